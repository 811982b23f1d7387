"""How unequal the weights of a text are, and how unequal a lower temperature alone makes them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from attinfo.agreement.pairs import text_of

STATISTICS = ("entropy_ratio", "max_weight", "gini", "effective_tokens")


def skew_by_text(attention: np.ndarray, offsets: np.ndarray) -> pd.DataFrame:
    """How unequal the weights of each text are.

    Args:
        attention: [tokens] weights that sum to one in each text.
        offsets: [texts + 1].

    Returns:
        One row per text, NaN for a text of one token. `entropy_ratio`: entropy divided by that of
        equal weights, 1 for uniform attention; `max_weight`: the largest weight; `gini`: 0 for
        uniform attention, 1 - 1/n for all weight on one of n tokens; `effective_tokens`:
        exp(entropy), the number of equal weights with the same entropy.
    """
    weights = attention.astype(np.float64)
    starts, lengths = offsets[:-1], np.diff(offsets)
    text = text_of(offsets)
    surprise = -weights * np.log(np.where(weights > 0, weights, 1))
    ascending = weights[np.lexsort((weights, text))]
    place = np.arange(len(weights)) - np.repeat(starts, lengths) + 1  # 1..n, smallest first
    entropy = np.add.reduceat(surprise, starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        skew = {
            "entropy_ratio": entropy / np.log(lengths),
            "max_weight": np.maximum.reduceat(weights, starts),
            "gini": np.add.reduceat((2 * place / np.repeat(lengths, lengths)) * ascending, starts)
            - (lengths + 1) / lengths,
            "effective_tokens": np.exp(entropy),
        }
    return pd.DataFrame(skew).where(np.repeat((lengths > 1)[:, None], len(skew), axis=1))


def softmax_by_text(score: np.ndarray, offsets: np.ndarray, temperature: float) -> np.ndarray:
    """[tokens] softmax of score / temperature over the tokens of each text, in float64."""
    text, starts = text_of(offsets), offsets[:-1]
    logits = score.astype(np.float64) / temperature
    exponents = np.exp(logits - np.maximum.reduceat(logits, starts)[text])
    return exponents / np.add.reduceat(exponents, starts)[text]


def skew_at(score: np.ndarray, offsets: np.ndarray, temperatures: Iterable[float]) -> pd.DataFrame:
    """The skew of the scores under softmax at other temperatures: columns `gini_at:0.5`, …

    It shows the effect of temperature alone, as a control of training at that temperature.
    """
    return pd.DataFrame(
        {
            f"{name}_at:{temperature:g}": column
            for temperature in temperatures
            for name, column in skew_by_text(
                softmax_by_text(score, offsets, temperature), offsets
            ).items()
        }
    )
