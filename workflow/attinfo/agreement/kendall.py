"""Kendall's tau-b within each text, with its ties, for all pairs of measures at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from attinfo.agreement.pairs import of_one_length

# Orders of pairs at a time: they stay in the cache, and are counted exactly in single precision.
SIGNS = 2**19


@dataclass(frozen=True)
class Concordance:
    """Numbers of pairs of tokens in each text for every two measures, from which tau-b follows.

    `agree` [M, M, texts]: concordant less discordant pairs; `ordered` [M, M, texts]: pairs that
    are tied in neither measure, on the diagonal those not tied in one; `total` [texts]: all pairs;
    `with_first` [M, tokens]: concordant less discordant pairs of a measure and the first one, those
    that the token is in; `missing` [M, texts]: whether a measure has a NaN in the text. Its counts
    are zero there.
    """

    names: tuple[str, ...]
    agree: np.ndarray
    ordered: np.ndarray
    total: np.ndarray
    with_first: np.ndarray
    missing: np.ndarray

    def of_tokens(self, y: str) -> np.ndarray:
        """[tokens] the pairs of the first measure and y that the token is in, see `with_first`."""
        return self.with_first[self.names.index(y)]

    def tau(self, x: str, y: str) -> np.ndarray:
        """[texts] Kendall's tau-b, NaN where either is constant (Kendall 1945, Biometrika 33)."""
        i, j = self.names.index(x), self.names.index(y)
        return _ratio(self.agree[i, j], np.sqrt(self.ordered[i, i] * self.ordered[j, j]))

    def ceiling(self, x: str, y: str) -> np.ndarray:
        """[texts] the largest tau-b that the ties allow; NaN where either has a NaN.

        It is sqrt(min / max) of the numbers of pairs that are not tied in x and in y.
        """
        i, j = self.names.index(x), self.names.index(y)
        one, other = self.ordered[i, i], self.ordered[j, j]
        found = np.sqrt(_ratio(np.minimum(one, other), np.maximum(one, other)))
        return np.where(self.missing[i] | self.missing[j], np.nan, found)

    def tie_rate(self, x: str, y: str) -> np.ndarray:
        """[texts] share of the pairs that are tied in x or in y; NaN where either has a NaN."""
        i, j = self.names.index(x), self.names.index(y)
        found = 1 - _ratio(self.ordered[i, j], self.total)
        return np.where(self.missing[i] | self.missing[j], np.nan, found)

    def partial(self, x: str, y: str, fixed: str) -> np.ndarray:
        """[texts] Kendall's partial tau of x and y with a third measure held fixed.

        NaN where the third is constant or has the order of x or y.

        Reference: Kendall 1942, Biometrika 32.
        """
        xy, xz, yz = self.tau(x, y), self.tau(x, fixed), self.tau(y, fixed)
        return _ratio(xy - xz * yz, np.sqrt(np.maximum(1 - xz**2, 0) * np.maximum(1 - yz**2, 0)))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        found = numerator / denominator
    return np.where(denominator > 1e-12, found, np.nan)


def concordance(measures: Mapping[str, np.ndarray], offsets: np.ndarray) -> Concordance:
    """Count the pairs of tokens of each text for every two measures.

    Args:
        measures: name -> [tokens].
        offsets: [texts + 1].
    """
    lengths, count = np.diff(offsets), len(measures)
    values = np.stack([np.asarray(own, np.float64) for own in measures.values()])
    agree, ordered = np.zeros((2, len(lengths), count, count))
    with_first = np.zeros(values.shape)
    for texts, rows in of_one_length(offsets, SIGNS // count):
        own = values[:, rows].swapaxes(0, 1)
        second = own[:, :, None]
        step = max(1, SIGNS // own.size)
        for start in range(0, rows.shape[1], step):  # all at once, but in long texts
            first = own[:, :, start : start + step, None]
            # [texts, M, first, second] 1, -1 or 0: whether the first or the second is larger.
            signs = (first > second).view(np.int8) - (first < second).view(np.int8)
            signs = signs.astype(np.float32)
            total = (signs * signs[:, :1]).sum(3)
            with_first[:, rows[:, start : start + step]] = total.swapaxes(0, 1)
            signs = signs.reshape(len(texts), count, -1)
            agree[texts] += signs @ signs.swapaxes(1, 2)
            np.abs(signs, out=signs)
            ordered[texts] += signs @ signs.swapaxes(1, 2)
    bad = np.stack([nan_in_text(own, offsets) for own in values])
    known = ~(bad[:, None] | bad[None])
    # Each pair was counted twice, from either token.
    agree, ordered = (counts.transpose(1, 2, 0) / 2 * known for counts in (agree, ordered))
    with_first *= np.repeat(known[:, 0], lengths, axis=1)
    total = lengths * (lengths - 1) / 2.0
    return Concordance(tuple(measures), agree, ordered, total, with_first, bad)


def nan_in_text(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[texts] whether any token of the text has a NaN."""
    return np.logical_or.reduceat(np.isnan(values), offsets[:-1])


def kendall_by_text(x: np.ndarray, y: np.ndarray, offsets: np.ndarray) -> pd.DataFrame:
    """Kendall's tau-b of two values over the tokens of each text.

    Args:
        x: [tokens], y: [tokens], offsets: [texts + 1].

    Returns:
        One row per text: `tau` (NaN where either is constant), `tie_rate` and `ceiling`; see
        `Concordance`.
    """
    pair = concordance({"x": x, "y": y}, offsets)
    names = ("tau", "tie_rate", "ceiling")
    return pd.DataFrame({name: getattr(pair, name)("x", "y") for name in names})


def null_variance(lengths: np.ndarray) -> np.ndarray:
    """[texts] variance of tau between random orders of n tokens, 2 (2n + 5) / (9 n (n - 1)).

    Its inverse weights texts by their precision.

    Reference: Kendall 1938, Biometrika 30.
    """
    n = lengths.astype(np.float64)
    with np.errstate(divide="ignore"):
        return 2 * (2 * n + 5) / (9 * n * (n - 1))


def pooled(tau: np.ndarray, lengths: np.ndarray) -> float:
    """Mean over texts of a rank correlation, weighted by the inverse of its null variance."""
    known = ~np.isnan(tau)
    if not known.any():
        return float("nan")
    return float(np.average(tau[known], weights=1 / null_variance(lengths[known])))
