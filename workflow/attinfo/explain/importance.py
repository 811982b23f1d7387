"""Importance: the contribution of each token of a text to the class that the model predicts.

Gradient measures explain the log-odds of the predicted class, log(p / (1 - p)). Erasure explains
the probability p. Gradients are taken with respect to the input of the encoder: the embedding of
a token, or with `pretrained` the features of a token, which depend on the whole text.

Measures are computed from the function of the model, noise at evaluation included. The measures
`contribution`, `attention_norm` and `score` are computed from the store. The variant `permuted`
permutes weights in the store only. So the other measures for `permuted` are those of the trained
model, and do not depend on the permuted weights. `contribution` explains the margin of the
predicted class, its logit less the mean of the others.

Costly measures are computed for some texts only, drawn at random: the same ones in every run of a
data set.
"""

from collections.abc import Collection, Mapping, MutableMapping, Sequence
import time

import numpy as np
import pandas as pd

from attinfo.data.texts import Texts
from attinfo.explain.completeness import COLUMNS, errors
from attinfo.models.classifier import Classifier
from attinfo.runtime.loading import Chosen, load
from attinfo.runtime.seeds import seed_of
from attinfo.states.store import States


def drawn_texts(count: int, most: int | None, seed: int) -> np.ndarray:
    """Draw the texts for costly measures. A smaller draw is part of every larger one.

    Args:
        count: number of texts.
        most: number of texts to draw; None for all.
        seed: seed of the draw.

    Returns:
        The indices of the texts, sorted.
    """
    rng = np.random.default_rng(seed_of("texts of importance", seed))
    return np.sort(rng.permutation(count)[:most])


def importance(
    model: Classifier,
    texts: Texts,
    states: States,
    seed: int,
    measures: Sequence[Chosen],
    costly: Collection[str] = (),
    drawn: np.ndarray | None = None,
    seconds: MutableMapping[str, float] | None = None,
) -> pd.DataFrame:
    """Compute the importance of every token of one run.

    Args:
        model: a model in evaluation mode.
        texts: the texts of the store.
        states: the store, with hidden states.
        seed: seed of the run, for the noise at evaluation.
        measures: the importance measures and their options.
        costly: names of the measures that are computed for drawn texts only.
        drawn: indices of these texts; None for all.
        seconds: receives what each measure took, by its name.

    Returns:
        A row for each token, in the order of the store, with the int32 columns `text` and `token`
        (the position in the text), the bool column `drawn` and a float32 column for each measure.
        A measure is NaN where it is undefined, and a costly one in texts that are not drawn.
        Signed measures keep their sign.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    values = {}
    for measure in measures:
        given = (model, texts, states, seed, *([drawn] if measure.name in costly else []))
        measure.load()  # imported before the clock starts
        start = time.perf_counter()
        found = measure.load()(*given, **measure.options)
        if seconds is not None:
            seconds[measure.name] = time.perf_counter() - start
        values[measure.name] = found.astype(np.float32)
    every = np.arange(len(texts)) if drawn is None else drawn
    places = {
        "text": states.text.astype(np.int32),
        "token": states.position.astype(np.int32),
        "drawn": np.isin(states.text, every),
    }
    return pd.DataFrame(places | values)


def completeness(
    model: Classifier,
    texts: Texts,
    states: States,
    seed: int,
    table: pd.DataFrame,
    totals: Mapping[str, str],
) -> pd.DataFrame:
    """Compute how far the values of measures are from what they should sum to.

    Args:
        model, texts, states, seed: as for `importance`.
        table: of `importance`, for the same run.
        totals: measure -> path of the function that says what its values sum to in each text.

    Returns:
        The rows of `completeness.errors` of the drawn texts, for each measure of `totals`.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    drawn = np.flatnonzero(table["drawn"].to_numpy()[states.offsets[:-1]])
    found = [pd.DataFrame(columns=COLUMNS)]
    for name, path in totals.items():
        total = load(path)(model, texts, states, seed, drawn)
        found.append(errors(name, table[name].to_numpy(), total, states.offsets))
    return pd.concat(found[1:] or found, ignore_index=True)
