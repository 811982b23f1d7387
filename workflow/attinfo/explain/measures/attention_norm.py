"""Attention weight times the norm of the state (Kobayashi et al. 2020)."""

import numpy as np

from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.states.store import States


def attention_norm(model: Classifier, texts: Texts, states: States, seed: int) -> np.ndarray:
    """Weight x norm of the state: the length of what a token adds (Kobayashi et al. 2020)."""
    if states.hidden is None:
        raise ValueError("a store read without its hidden states, expected one with them")
    return states.attention * np.linalg.norm(states.hidden, axis=1)
