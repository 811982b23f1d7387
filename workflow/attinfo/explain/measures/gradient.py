"""Gradient times input."""

import numpy as np
import torch
from torch import Tensor

from attinfo.data.batches import Batch
from attinfo.data.texts import Texts
from attinfo.explain.measures.attribution import ROWS, attributed, log_odds
from attinfo.models.classifier import Classifier
from attinfo.models.inference import noise_of
from attinfo.states.store import States


def gradient(
    model: Classifier, texts: Texts, states: States, seed: int, *, through_attention: bool = True
) -> np.ndarray:
    """Gradient times input: sum over features of (d log-odds / d embedding) * embedding.

    Args:
        model: a model in evaluation mode.
        texts: the texts of the store.
        states: not used.
        seed: seed of the run, for the noise at evaluation.
        through_attention: include the path through the attention weights. Without it the weights
            are constants, as in Jain & Wallace 2019, who compare absolute values with attention.

    Returns:
        [tokens] signed values, in units of log-odds.

    Raises:
        InputError: the memory of the device is too small for a single text.

    Reference: Jain & Wallace 2019, section 4.1.
    """

    def attribution(
        chosen: np.ndarray, batch: Batch, embedded: Tensor, predicted: Tensor
    ) -> Tensor:
        embedded.requires_grad_()
        hidden = model.encode(batch, embedded)
        scored = hidden if through_attention else hidden.detach()
        query = model.query_of(batch)
        _, weights = model.attend(batch, scored, noise_of(model, chosen, seed), query)
        total = log_odds(model.classify(hidden, weights, query), predicted).sum()
        (slope,) = torch.autograd.grad(total, embedded)
        return (slope * embedded).sum(-1)

    return attributed(model, texts, ROWS, seed, attribution)
