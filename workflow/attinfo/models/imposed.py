"""A model of single words under the weights of another model (Wiegreffe & Pinter 2019)."""

from dataclasses import replace

import torch
from torch import Tensor

from attinfo.data.batches import Batch
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import Classifier
from attinfo.models.encoders.mlp import MLP
from attinfo.models.noise import Noise
from attinfo.models.variant import Variant
from attinfo.runtime.loading import Chosen

WORDS = Chosen("mlp", f"{MLP.__module__}:{MLP.__name__}", {})


class Imposed(Classifier):
    """A model of single words that weighs them as another model does (Wiegreffe & Pinter 2019).

    Its encoder is the per-token `mlp`, with an embedding of its own; scores and weights are the
    teacher's, which runs without noise and does not learn.
    """

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        architecture: Architecture,
        variant: Variant,
        seed: int,
        teacher: Classifier,
    ):
        own = replace(architecture, encoder=WORDS)
        super().__init__(vocabulary, classes, own, variant, seed)
        self.teacher = (teacher.eval().requires_grad_(False),)  # a tuple: it is no part of this

    def attend(self, batch: Batch, hidden: Tensor, noise: Noise | None) -> tuple[Tensor, Tensor]:
        """Scores and weights [B, T] of the teacher."""
        with torch.no_grad():
            output = self.teacher[0](batch)
        return output.score, output.attention
