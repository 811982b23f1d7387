"""Information about the prediction in the words' states, layer by layer."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from attinfo.audit.head import Head
from attinfo.audit.progress import progress
from attinfo.information.api import estimate
from attinfo.information.summary import Estimate
from attinfo.runtime.errors import InputError

ESTIMATOR, HEAD = "linear", "output_layer"


def layer_information(
    states: Sequence[np.ndarray],
    head: Head | None,
    predicted: np.ndarray,
    text: np.ndarray,
    permutations: int,
    seed: int,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Usable information between the state of each word and the predicted class of its text.

    Args:
        states: [layers + 1] of [words, d]; layer 0 holds the embeddings.
        head: the model's own, for the last layer; None if it has none for words.
        predicted: [words] the class that the model predicts for the word's text.
        text: [words] number of the text, whose words are kept on one side of every fold.
        permutations: of the outputs, for the permutation null.
        seed: of folds and permutations.

    Returns:
        A row for each layer and estimator (`layer`, `estimator`, `n`, `texts`, `mi_nats`,
        `h_output`, `mi_over_h`, `floor_mean`, `floor_upper`, `ci_low`, `ci_high`, `flags`), and
        "gain.<layer>" -> [words] pointwise gain in nats by the linear probe.

    Raises:
        InputError: all texts have one predicted class.
    """
    if len(np.unique(predicted)) < 2:
        raise InputError(
            "the model predicts one class for all texts, expected two or more: information about "
            "a constant is zero"
        )
    rows, gains = [], {}
    with progress("information", len(states)) as advance:
        for layer, own in enumerate(states):
            found = estimate(
                own, predicted, ESTIMATOR, groups=text, seed=seed, permutations=permutations
            )
            rows.append(_row(layer, ESTIMATOR, found, text))
            if found.gain is not None:
                gains[f"gain.{layer}"] = found.gain
            advance(1)
    if head is not None:
        found = estimate(
            head.features,
            predicted,
            HEAD,
            groups=text,
            seed=seed,
            permutations=permutations,
            output_layer=(head.weight, head.bias),
        )
        rows.append(_row(len(states) - 1, HEAD, found, text))
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
