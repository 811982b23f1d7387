"""Attention weight times the norm of the hidden state (Kobayashi et al. 2020)."""

import numpy as np

from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.states.store import States


def attention_norm(model: Classifier, texts: Texts, states: States, seed: int) -> np.ndarray:
    """The norm of the vector that a token adds to the context: weight * |hidden state|.

    Args:
        model: not used.
        texts: not used.
        states: the store, with hidden states.
        seed: not used.

    Returns:
        [tokens] norms, >= 0.

    Raises:
        ValueError: the store was read without hidden states.

    Reference: Kobayashi et al. 2020.
    """
    if states.hidden is None:
        raise ValueError("a store read without its hidden states, expected one with them")
    return states.attention * np.linalg.norm(states.hidden, axis=1)
