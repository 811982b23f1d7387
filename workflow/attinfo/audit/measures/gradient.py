"""Gradient times input."""

import numpy as np
from torch import Tensor

from attinfo.audit.attribution import Slope, attributed
from attinfo.audit.encoded import Encoded
from attinfo.audit.model import TransformerClassifier


def gradient(model: TransformerClassifier, texts: Encoded, drawn: np.ndarray) -> np.ndarray:
    """[words] the sum over features of (d log-odds / d embedding) x embedding, in log-odds.

    The embeddings are those of the subwords, before positions are added.

    Args:
        model: the model.
        texts: all texts.
        drawn: indices of the texts to compute.
    """

    def attribution(plain: Tensor, words: Tensor, slope_at: Slope) -> Tensor:
        return (slope_at(plain) * plain).sum(-1)

    return attributed(model, texts, drawn, attribution)
