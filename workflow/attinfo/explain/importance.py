"""Importance: the contribution of each token of a text to the class that the model predicts.

Gradient measures explain the log-odds of the predicted class, log(p / (1 - p)). Erasure explains
the probability p. Gradients are taken with respect to the input of the encoder: the embedding of
a token, or with `pretrained` the features of a token, which depend on the whole text.

Measures are computed from the function of the model, noise at evaluation included. The measures
`contribution`, `attention_norm` and `score` are computed from the store. The variant `permuted`
permutes weights in the store only. So the other measures for `permuted` are those of the trained
model, and do not depend on the permuted weights. `contribution` explains the margin of the
predicted class, its logit less the mean of the others.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.runtime.loading import Chosen
from attinfo.states.store import States


def importance(
    model: Classifier,
    texts: Texts,
    states: States,
    seed: int,
    measures: Sequence[Chosen],
) -> pd.DataFrame:
    """Compute the importance of every token of one run.

    Args:
        model: a model in evaluation mode.
        texts: the texts of the store.
        states: the store, with hidden states.
        seed: seed of the run, for the noise at evaluation.
        measures: the importance measures and their options.

    Returns:
        A row for each token, in the order of the store, with the int32 columns `text` and `token`
        (the position in the text) and a float32 column for each measure, NaN where the measure is
        undefined. Signed measures keep their sign.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    values = {
        measure.name: measure.load()(model, texts, states, seed, **measure.options).astype(
            np.float32
        )
        for measure in measures
    }
    places = {"text": states.text.astype(np.int32), "token": states.position.astype(np.int32)}
    return pd.DataFrame(places | values)
