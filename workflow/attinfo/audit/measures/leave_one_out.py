"""Leave-one-out, by deletion."""

import numpy as np

from attinfo.audit.encoded import Encoded
from attinfo.audit.erasure import WordEraser, without_each
from attinfo.audit.model import TransformerClassifier


def leave_one_out(model: TransformerClassifier, texts: Encoded, drawn: np.ndarray) -> np.ndarray:
    """[words] the decrease of the probability of the predicted class when the word is deleted.

    NaN in a text of one word, which would be empty without it.

    Args:
        model: the model.
        texts: all texts.
        drawn: indices of the texts to compute.
    """
    return without_each(WordEraser(model, texts, "delete"), drawn)
