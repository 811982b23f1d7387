"""A model of words without context that uses the attention weights of another model."""

from dataclasses import replace

import torch
from torch import Tensor

from attinfo.blocks.variant import Variant
from attinfo.data.batches import Batch
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import Classifier
from attinfo.models.encoders.mlp import MLP
from attinfo.models.noise import Noise
from attinfo.runtime.loading import Chosen

WORD_ENCODER = Chosen("mlp", f"{MLP.__module__}:{MLP.__name__}", {})


class Imposed(Classifier):
    """A model of single words with the weights of a trained model (Wiegreffe & Pinter 2019).

    The encoder is the per-token `mlp`, with an embedding of its own. Scores and weights come from
    the teacher, which runs without noise and is not trained further.

    Args:
        vocabulary: number of token ids.
        classes: number of classes.
        architecture: the teacher's blocks and sizes; its encoder is replaced by `mlp`.
        variant: the variant `imposed`.
        seed: seed of the initial weights.
        teacher: the trained model of the same cell and seed.
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
        words_only = replace(architecture, encoder=WORD_ENCODER)
        super().__init__(vocabulary, classes, words_only, variant, seed)
        # In a tuple, so that torch does not count the teacher's parameters as this model's.
        self.teacher = (teacher.eval().requires_grad_(False),)

    def attend(
        self, batch: Batch, hidden: Tensor, noise: Noise | None, query: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attention scores [B, T] and attention weights [B, T] of the teacher."""
        with torch.no_grad():
            output = self.teacher[0](batch)
        return output.score, output.attention
