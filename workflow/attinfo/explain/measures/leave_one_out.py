"""Leave one out: the change of the prediction when a token is deleted."""

import numpy as np

from attinfo.data.batches import batches
from attinfo.data.texts import Texts
from attinfo.explain.erasure import Eraser
from attinfo.models.classifier import Classifier
from attinfo.states.store import States

TEXTS = 64  # texts whose tokens are left out at once


def leave_one_out(model: Classifier, texts: Texts, states: States, seed: int) -> np.ndarray:
    """How far the probability of the predicted class falls when the token is deleted.

    [tokens], signed. With two classes its absolute value is the total variation distance of Jain
    & Wallace (2019). NaN for the token of a text of one, of which nothing would be left.
    """
    eraser, found = Eraser(model, texts, seed), np.full(len(texts.token_ids), np.nan, np.float32)
    for chosen in batches(texts.lengths, TEXTS):
        chosen = chosen[texts.lengths[chosen] > 1]
        real = Eraser.real(texts.lengths[chosen])
        row, place = np.nonzero(real)
        keep = real[row]
        keep[np.arange(len(row)), place] = False
        found[texts.offsets[chosen[row]] + place] = eraser.drop(chosen[row], keep)
    return found
