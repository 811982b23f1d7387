"""Importance: what each token of a text contributes to the class that the model predicts.

A measure is of the function that the model computes, that of its noise at evaluation included. Of
the variant `permuted` it is of the trained model, whose weights are permuted in the store alone:
so its permuted weights are set beside an importance that they had no part in. `attention_norm` and
`score` are of the store.

What is explained is the log-odds of the predicted class, log p / (1 - p) (gradients), or its
probability p (erasure). Gradients are taken with respect to what the encoder reads of each token:
its embedding, or with `pretrained` its features, which have read the whole text.
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
    """The importance of every token of one run.

    Args:
        model: in evaluation mode.
        texts: those of the store.
        states: the store, with its hidden states.
        seed: of the run: of the noise at evaluation.
        measures: with their options.

    Returns:
        A row for each token, in the order of the store: `text`, `token` (its place in the text),
        and a float32 column a measure, signed where the measure is; NaN where it is not defined.
    """
    values = {
        measure.name: measure.load()(model, texts, states, seed, **measure.options).astype(
            np.float32
        )
        for measure in measures
    }
    places = {"text": states.text.astype(np.int32), "token": states.position.astype(np.int32)}
    return pd.DataFrame(places | values)
