"""Leave-one-out, by the mask token."""

import numpy as np

from attinfo.audit.encoded import Encoded
from attinfo.audit.erasure import WordEraser, without_each
from attinfo.audit.model import TransformerClassifier


def mask_one_out(model: TransformerClassifier, texts: Encoded, drawn: np.ndarray) -> np.ndarray:
    """[words] the decrease of the probability of the predicted class when the word is masked.

    Each subword of the word is replaced by the model's mask token.

    Args:
        model: the model, which has a mask token.
        texts: all texts.
        drawn: indices of the texts to compute.
    """
    return without_each(WordEraser(model, texts, "mask"), drawn)
