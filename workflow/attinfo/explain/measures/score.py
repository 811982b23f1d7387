"""The attention score itself."""

import numpy as np

from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.states.store import States


def score(model: Classifier, texts: Texts, states: States, seed: int) -> np.ndarray:
    """The score that the normaliser makes the weight of."""
    return states.score
