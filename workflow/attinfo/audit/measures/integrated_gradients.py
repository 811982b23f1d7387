"""Integrated gradients."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from attinfo.audit.attribution import Slope, attributed, word_embeddings
from attinfo.audit.encoded import Encoded, groups_by_length
from attinfo.audit.model import CELLS, TransformerClassifier, embedded
from attinfo.explain.measures.attribution import log_odds

Baseline = Literal["zero", "mean"]


def integrated_gradients(
    model: TransformerClassifier,
    texts: Encoded,
    drawn: np.ndarray,
    *,
    steps: int = 16,
    baseline: Baseline = "zero",
) -> np.ndarray:
    """[words] integrated gradients of the log-odds, in log-odds.

    On the straight path from the baseline's embeddings of the subwords of words to their own;
    special subwords keep theirs. The values of a text sum to the difference of the log-odds at both
    ends, which `from_baseline` gives. The quadrature makes a small error.

    Args:
        model: the model.
        texts: all texts.
        drawn: indices of the texts to compute.
        steps: nodes of the Gauss-Legendre quadrature.
        baseline: zero embeddings, or the mean over the words of the drawn texts. A model that
            scales embeddings to one length before all else jumps at zero.

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

    The arguments are those of `integrated_gradients`, whose values sum to this; `steps` is not
    used.
    """
    start_of = _starts(model, texts, drawn, baseline)
    found = np.full(len(texts), np.nan)
    for places in groups_by_length(texts.sizes[drawn], CELLS, model.batch):
        chosen = drawn[places]
        batch = model.padded(texts.rows(chosen))
        words = texts.is_word(chosen, batch.ids.shape).to(batch.ids.device)

        def start(made: Tensor, words: Tensor = words) -> Tensor:
            return torch.where(words[..., None], start_of, made)

        with torch.no_grad():
            logits = model(batch).logits.double()
            predicted = logits.argmax(-1)
            with embedded(model, start):
                least = log_odds(model(batch).logits.double(), predicted)
        found[chosen] = (log_odds(logits, predicted) - least).cpu().numpy()
    return found


def _starts(
    model: TransformerClassifier, texts: Encoded, drawn: np.ndarray, baseline: Baseline
) -> Tensor:
    """[size] the embedding of every word's subwords at the baseline."""
    own = word_embeddings(model, texts, drawn)
    return torch.zeros_like(own[0]) if baseline == "zero" else own.mean(0)
