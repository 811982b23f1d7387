"""Information about the prediction in the words' states, layer by layer."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from attinfo.audit.head import Head
from attinfo.audit.names import OWN_HEAD, PROBE
from attinfo.audit.progress import progress
from attinfo.information.api import estimate
from attinfo.information.summary import Estimate


def layer_information(
    states: Sequence[np.ndarray],
    head: Head | None,
    predicted: np.ndarray,
    text: np.ndarray,
    permutations: int,
    seed: int,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Estimate the usable information in the state of a word about its text's predicted class.

    Args:
        states: layers + 1 arrays [words, d]; layer 0 holds the embeddings.
        head: the model's own head at the states of the last layer; None to leave it out.
        predicted: [words] the class that the model predicts for the word's text; two or more.
        text: [words] number of the text, which its pairs share if it has several queries. The words
            of a text are on one side of every fold.
        permutations: number of permutations of the predicted classes, for the permutation null.
        seed: of folds and permutations.

    Returns:
        A row for each layer and estimator (`layer`, `estimator`, `n`, `texts`, `mi_nats`,
        `h_output`, `mi_over_h`, `floor_mean`, `floor_upper`, `ci_low`, `ci_high`, `flags`), and
        "gain.<layer>" -> [words] pointwise gain in nats by the linear probe.
    """
    rows, gains = [], {}
    with progress("information", len(states)) as advance:
        for layer, own in enumerate(states):
            found = estimate(
                own, predicted, PROBE, groups=text, seed=seed, permutations=permutations
            )
            rows.append(_row(layer, PROBE, found, text))
            if found.gain is not None:
                gains[f"gain.{layer}"] = found.gain
            advance(1)
    if head is not None:
        found = estimate(
            head.features,
            predicted,
            OWN_HEAD,
            groups=text,
            seed=seed,
            permutations=permutations,
            output_layer=(head.weight, head.bias),
        )
        rows.append(_row(len(states) - 1, OWN_HEAD, found, text))
        if found.gain is not None:
            gains["gain.head"] = found.gain
    return pd.DataFrame(rows), gains


def _row(layer: int, estimator: str, found: Estimate, text: np.ndarray) -> dict[str, object]:
    entropy = found.h_output or np.nan
    return {
        "layer": layer,
        "estimator": estimator,
        "n": len(text),
        "texts": len(np.unique(text)),
        "mi_nats": found.mi_nats,
        "h_output": entropy,
        "mi_over_h": found.mi_nats / entropy,
        "floor_mean": found.floor_mean,
        "floor_upper": found.floor_upper,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "flags": " ".join(found.flags),
    }
