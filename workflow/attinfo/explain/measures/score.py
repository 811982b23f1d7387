"""The attention score as an importance measure."""

import numpy as np

from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.states.store import States


def score(model: Classifier, texts: Texts, states: States, seed: int) -> np.ndarray:
    """[tokens] attention scores of the store, from which the normaliser makes the weights."""
    return states.score
