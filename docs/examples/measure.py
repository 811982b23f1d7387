"""An importance measure with a sign: how far a weight is from uniform attention."""

import numpy as np

from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.states.store import States


def above_uniform(model: Classifier, texts: Texts, states: States, seed: int) -> np.ndarray:
    """The weight of a token less 1 / n, the weight of uniform attention over the n tokens.

    Args:
        model: the trained model; not used here.
        texts: the analysed texts; not used here.
        states: scores and weights of all tokens, text after text.
        seed: seed of the run; not used here.

    Returns:
        [tokens] differences. Positive: the model attends more than uniform attention would.
    """
    return states.attention - 1 / states.lengths[states.text]


if __name__ == "__main__":
    weights = np.array([0.7, 0.2, 0.1, 0.5, 0.5], np.float32)  # two texts: 3 and 2 tokens
    states = States(
        hidden=None,
        score=np.log(weights),
        attention=weights,
        token_id=np.arange(2, 7),
        offsets=np.array([0, 3, 5]),
        logits=np.zeros((2, 2), np.float32),
        label=np.array([0, 1]),
    )
    print(above_uniform(None, None, states, seed=1))  # type: ignore[arg-type]
