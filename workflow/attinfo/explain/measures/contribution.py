"""The exact share of each token in the logit of the predicted class."""

import numpy as np

from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.states.store import States


def contribution(model: Classifier, texts: Texts, states: States, seed: int) -> np.ndarray:
    """Weight * (w_y - the mean of the other classes' rows of the output layer) . hidden state.

    What is explained is the margin of the predicted class y: its logit less the mean of the other
    logits; with two classes, the difference of the logits. (A logit by itself means nothing, as
    a constant may be added to all of them.) The output layer is linear, and so is the weighted sum
    of states that it reads. So the contributions of a text and the same margin of the biases
    sum to the margin of its logits, exactly.

    Args:
        model: not used.
        texts: not used.
        states: the store, with hidden states and the output layer.
        seed: not used.

    Returns:
        [tokens] signed values, in units of logits. Negative: the token speaks against the
        predicted class.

    Raises:
        ValueError: the store was read without hidden states, or has no output layer.
    """
    if states.hidden is None or states.output_layer is None:
        raise ValueError("a store without hidden states or output layer, expected one with both")
    weight, _ = states.output_layer
    found, predicted = np.empty_like(states.attention), states.predicted[states.text]
    for y in np.unique(predicted):
        own = predicted == y
        found[own] = states.attention[own] * (states.hidden[own] @ margin(weight, y))
    return found


def margin(values: np.ndarray, y: int) -> np.ndarray:
    """The value of class y less the mean of the others; classes along the first axis, [C, ...]."""
    return values[y] - (values.sum(0) - values[y]) / max(len(values) - 1, 1)
