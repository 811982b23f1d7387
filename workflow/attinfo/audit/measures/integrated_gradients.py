"""Integrated gradients."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from attinfo.audit.attribution import Slope, attributed, word_embeddings
from attinfo.audit.encoded import Encoded, groups_by_length
from attinfo.audit.model import CELLS, TransformerClassifier, embedded
from attinfo.explain.measures.attribution import log_odds
from attinfo.runtime.devices import in_parts

Baseline = Literal["zero", "mean"]


def integrated_gradients(
    model: TransformerClassifier,
    texts: Encoded,
    drawn: np.ndarray,
    *,
    steps: int = 16,
    baseline: Baseline = "zero",
) -> np.ndarray:
    """[words] integrated gradients of the log-odds of the predicted class, in log-odds.

    The path is the straight line from the baseline to the embeddings of the subwords. Special
    subwords keep their embeddings. The values of a text sum to the difference of the log-odds at
    both ends, which `from_baseline` computes, up to the error of the quadrature.

    Args:
        model: the model.
        texts: all texts.
        drawn: indices of the texts to compute.
        steps: nodes of the Gauss-Legendre quadrature.
        baseline: embeddings of the subwords of words where the path starts: `zero`, or their `mean`
            over the drawn texts. A model that first scales embeddings to one length is not
            continuous at zero.

    Reference: Sundararajan, Taly & Yan 2017, "Axiomatic attribution for deep networks".
    """
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    start_of = _starts(model, texts, drawn, baseline)

    def attribution(plain: Tensor, words: Tensor, slope_at: Slope) -> Tensor:
        start = torch.where(words[..., None], start_of, plain)
        total = torch.zeros_like(plain)
        for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            total += weight * slope_at(start + node * (plain - start))
        return (total * (plain - start)).sum(-1)

    return attributed(model, texts, drawn, attribution)


def from_baseline(
    model: TransformerClassifier,
    texts: Encoded,
    drawn: np.ndarray,
    *,
    steps: int = 16,
    baseline: Baseline = "zero",
) -> np.ndarray:
    """[texts] log-odds of the predicted class, less those at the baseline; NaN if not drawn.

    The values of `integrated_gradients` sum to this. The arguments are the same; `steps` is not
    used.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    start_of = _starts(model, texts, drawn, baseline)
    found = np.full(len(texts), np.nan)

    def read(chosen: np.ndarray) -> np.ndarray:
        batch = model.padded(texts.rows(chosen))
        words = texts.is_word(chosen, batch.ids.shape).to(batch.ids.device)

        def start(made: Tensor) -> Tensor:
            return torch.where(words[..., None], start_of, made)

        logits = model(batch).logits.double()
        predicted = logits.argmax(-1)
        with embedded(model, start):
            least = log_odds(model(batch).logits.double(), predicted)
        difference: Tensor = log_odds(logits, predicted) - least
        return difference.cpu().numpy()

    with torch.no_grad(), model.fused():
        for places in groups_by_length(texts.sizes[drawn], CELLS, model.batch):
            for part, values in in_parts(drawn[places], read, model.device):
                found[part] = values
    return found


def _starts(
    model: TransformerClassifier, texts: Encoded, drawn: np.ndarray, baseline: Baseline
) -> Tensor:
    """The embedding [size] of the subwords of words at the baseline; a single 0 for `zero`."""
    if baseline == "zero":
        return torch.zeros((), device=model.device)
    return word_embeddings(model, texts, drawn).mean(0)
