"""Integrated gradients."""

import numpy as np
import torch
from torch import Tensor

from attinfo.audit.attribution import Slope, attributed
from attinfo.audit.encoded import Encoded
from attinfo.audit.model import TransformerClassifier


def integrated_gradients(
    model: TransformerClassifier, texts: Encoded, drawn: np.ndarray, *, steps: int = 16
) -> np.ndarray:
    """[words] integrated gradients of the log-odds, in log-odds.

    On the straight path from zero embeddings of the subwords of words to their own; special
    subwords keep theirs. The values of a text sum to the difference of the log-odds at both ends,
    but for the error of the quadrature.

    Args:
        model: the model.
        texts: all texts.
        drawn: indices of the texts to compute.
        steps: nodes of the Gauss-Legendre quadrature.

    Reference: Sundararajan, Taly & Yan 2017, "Axiomatic attribution for deep networks".
    """
    nodes, weights = np.polynomial.legendre.leggauss(steps)

    def attribution(plain: Tensor, words: Tensor, slope_at: Slope) -> Tensor:
        start = plain.masked_fill(words[..., None], 0)
        total = torch.zeros_like(plain)
        for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            total += weight * slope_at(start + node * (plain - start))
        return (total * (plain - start)).sum(-1)

    return attributed(model, texts, drawn, attribution)
