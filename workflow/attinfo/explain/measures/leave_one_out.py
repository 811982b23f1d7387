"""Leave one out: the change of the prediction when one token is deleted."""

import numpy as np

from attinfo.data.batches import batches
from attinfo.data.texts import Texts
from attinfo.explain.erasure import Eraser
from attinfo.models.classifier import Classifier
from attinfo.states.store import States

TEXTS = 64  # texts of a batch; each is read once for each of its tokens


def leave_one_out(
    model: Classifier,
    texts: Texts,
    states: States,
    seed: int,
    drawn: np.ndarray | None = None,
) -> np.ndarray:
    """The decrease of the probability of the predicted class when a token is deleted.

    With two classes the absolute value is the total variation distance of Jain & Wallace 2019.

    Args:
        model: a model in evaluation mode.
        texts: the texts of the store.
        states: not used.
        seed: seed of the run, for the noise at evaluation.
        drawn: indices of the texts to compute; None for all.

    Returns:
        [tokens] signed values, -1 to 1. NaN for the only token of a text, and for texts that are
        not drawn.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    eraser, decrease = Eraser(model, texts, seed), np.full(len(texts.token_ids), np.nan, np.float32)
    drawn = np.arange(len(texts)) if drawn is None else drawn
    drawn = drawn[texts.lengths[drawn] > 1]
    for places in batches(texts.lengths[drawn], TEXTS):
        chosen = drawn[places]
        real = Eraser.real(texts.lengths[chosen])
        row, place = np.nonzero(real)
        keep = real[row]
        keep[np.arange(len(row)), place] = False
        decrease[texts.offsets[chosen[row]] + place] = eraser.drop(chosen[row], keep)
    return decrease
