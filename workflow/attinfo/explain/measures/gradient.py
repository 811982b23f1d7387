"""Gradient x input."""

import numpy as np
import torch
from torch import Tensor

from attinfo.data.batches import Batch
from attinfo.data.texts import Texts
from attinfo.explain.measures.attribution import ROWS, attributed, log_odds, noise_of
from attinfo.models.classifier import Classifier
from attinfo.states.store import States


def gradient(
    model: Classifier, texts: Texts, states: States, seed: int, *, through_attention: bool = True
) -> np.ndarray:
    """Gradient x input: the sum over features of d log-odds / d embedding times embedding.

    [tokens], signed. Without `through_attention` the weights are held fixed, as Jain & Wallace
    (2019) do; they compare its absolute value with attention.
    """

    def attribution(
        chosen: np.ndarray, batch: Batch, embedded: Tensor, predicted: Tensor
    ) -> Tensor:
        embedded.requires_grad_()
        hidden = model.encode(batch, embedded)
        seen = hidden if through_attention else hidden.detach()
        _, weights = model.attend(batch, seen, noise_of(model, chosen, seed))
        total = log_odds(model.read(hidden, weights), predicted).sum()
        (slope,) = torch.autograd.grad(total, embedded)
        return (slope * embedded).sum(-1)

    return attributed(model, texts, ROWS, seed, attribution)
