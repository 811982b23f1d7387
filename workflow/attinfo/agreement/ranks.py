"""Rank statistics of two measures within each text: weighted tau, Spearman, Pearson, top k.

All are NaN in a text of one token, and where either measure is constant or has a NaN.
"""

from functools import cached_property

import numpy as np

from attinfo.agreement.kendall import kendall_by_text, nan_in_text
from attinfo.agreement.pairs import sorted_within, text_of

TOP = 0.2  # share of the tokens of a text in its top k, which has at least one


class Ranked:
    """A measure over the tokens of texts, sorted once for all statistics.

    Args:
        values: [tokens].
        offsets: [texts + 1].
    """

    def __init__(self, values: np.ndarray, offsets: np.ndarray) -> None:
        self.values, self.offsets = values, offsets
        self.text = text_of(offsets)

    @cached_property
    def ascending(self) -> np.ndarray:
        """[tokens] the tokens sorted by text, then by rising value."""
        return sorted_within(self.values, self.offsets)

    @cached_property
    def _groups(self) -> np.ndarray:
        """[tokens] in ascending order, a number for each distinct value of each text."""
        own = self.values[self.ascending]
        begins = (np.diff(own, prepend=own[:1]) != 0) | (np.diff(self.text, prepend=0) != 0)
        return np.cumsum(begins) - begins[0]  # a NaN differs from itself

    @cached_property
    def distinct(self) -> np.ndarray:
        """[tokens] the number of smaller distinct values in the text."""
        group = self._groups
        found = np.empty(len(group), np.int64)
        found[self.ascending] = group - group[self.offsets[:-1]][self.text]
        return found

    @cached_property
    def ranks(self) -> np.ndarray:
        """[tokens] rank of each token in its text, 1 for the smallest; tied tokens share the mean.

        All ranks of a text that has a NaN are NaN.
        """
        group = self._groups
        place = np.arange(len(group)) - self.offsets[:-1][self.text] + 1.0
        ranks = np.empty(len(group))
        ranks[self.ascending] = (np.bincount(group, place) / np.bincount(group))[group]
        return np.where(nan_in_text(self.values, self.offsets)[self.text], np.nan, ranks)

    @cached_property
    def untied(self) -> np.ndarray:
        """[tokens] the number of tokens of the text with another value."""
        group, lengths = self._groups, np.diff(self.offsets)
        untied = np.empty(len(group), np.int64)
        untied[self.ascending] = lengths[self.text] - np.bincount(group)[group]
        return untied

    @cached_property
    def undefined(self) -> np.ndarray:
        """[texts] whether the text has no order: it has a NaN, or all its values are equal."""
        return nan_in_text(self.values, self.offsets) | is_constant(self.values, self.offsets)

    def least_of_top(self, k: np.ndarray) -> np.ndarray:
        """[tokens] the k-th largest value of the token's text; k is [texts]."""
        return self.values[self.ascending[self.offsets[1:] - k]][self.text]


def average_ranks(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[tokens] `Ranked.ranks` of a measure."""
    return Ranked(values, offsets).ranks


def pearson(x: np.ndarray, y: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[texts] Pearson's correlation."""
    text, lengths, starts = text_of(offsets), np.diff(offsets), offsets[:-1]
    x, y = x.astype(np.float64), y.astype(np.float64)
    centred = [v - (np.add.reduceat(v, starts) / lengths)[text] for v in (x, y)]
    xy, xx, yy = (
        np.add.reduceat(a * b, starts)
        for a, b in ((centred[0], centred[1]), (centred[0],) * 2, (centred[1],) * 2)
    )
    constant = is_constant(x, offsets) | is_constant(y, offsets)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(constant, np.nan, xy / np.sqrt(xx * yy))


def is_constant(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[texts] whether all values of the text are equal."""
    starts = offsets[:-1]
    return np.maximum.reduceat(values, starts) == np.minimum.reduceat(values, starts)


def spearman(x: Ranked, y: Ranked) -> np.ndarray:
    """[texts] Spearman's correlation; tied tokens have their mean rank."""
    return pearson(x.ranks, y.ranks, x.offsets)


def weighted_tau(x: Ranked, y: Ranked, agreed: np.ndarray) -> np.ndarray:
    """[texts] weighted tau, in which a pair of tokens of ranks r and s has the weight
    1 / (1 + r) + 1 / (1 + s).

    It is the mean of two taus, with ranks from 0 by decreasing (x, y) and by decreasing (y, x), as
    `scipy.stats.weightedtau` computes by default.

    Args:
        x, y: the measures.
        agreed: [tokens] concordant less discordant pairs of x and y that each token is in. (As the
            weight of a pair is a sum over its two tokens, no pair need be looked at.)

    Reference: Vigna 2015, "A weighted correlation index for rankings with ties".
    """
    offsets = x.offsets
    place = np.arange(len(x.text)) - offsets[:-1][x.text]
    weights = []
    for one, other in ((x, y), (y, x)):
        # A larger number for every larger (one, other).
        number = one.distinct * np.diff(offsets)[x.text] + other.distinct
        weight = np.empty(len(place))
        weight[sorted_within(-number, offsets)] = 1 / (1.0 + place)
        weights.append(weight)
    agreed = np.stack([np.add.reduceat(weight * agreed, offsets[:-1]) for weight in weights])
    # The weight of all pairs not tied in x, and in y, as a sum over tokens.
    apart = [
        [np.add.reduceat(weight * measure.untied, offsets[:-1]) for measure in (x, y)]
        for weight in weights
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (agreed / np.sqrt(np.prod(apart, axis=1))).mean(0)
    return np.where(x.undefined | y.undefined, np.nan, found)


def _top(offsets: np.ndarray, share: float) -> np.ndarray:
    """[texts] k: a share of the tokens, at least one."""
    lengths = np.diff(offsets)
    return np.clip(np.rint(share * lengths), 1, lengths).astype(np.int64)


def top_overlap(x: Ranked, y: Ranked, share: float = TOP) -> np.ndarray:
    """[texts] share of the top k tokens by x that are among the top k by y.

    Tokens that tie for the k-th place count in part, which is the mean over their random orders.
    """
    starts, k = x.offsets[:-1], _top(x.offsets, share)
    members = []
    for measure in (x, y):
        least = measure.least_of_top(k)
        above, tied = measure.values > least, measure.values == least
        left = k - np.add.reduceat(above.astype(np.int64), starts)
        part = left / np.maximum(np.add.reduceat(tied.astype(np.int64), starts), 1)
        members.append(above + tied * part[measure.text])
    overlap = np.add.reduceat(members[0] * members[1], starts) / k
    return np.where(x.undefined | y.undefined, np.nan, overlap)


def only_top(measure: Ranked, share: float = TOP) -> np.ndarray:
    """[tokens] the values, those of all tokens below the top k tied.

    Tau-b of two such measures compares their top k, and is tau-b where k is the number of tokens.

    Reference: after Fagin, Kumar & Sivakumar 2003, "Comparing top k lists", with tau-b's treatment
    of ties in place of a penalty.
    """
    least = measure.least_of_top(_top(measure.offsets, share))
    return np.where(measure.values < least, np.nextafter(least, -np.inf), measure.values)


def tau_on_support(
    score: np.ndarray, attention: np.ndarray, y: np.ndarray, offsets: np.ndarray
) -> np.ndarray:
    """[texts] tau-b over the tokens with a weight above zero, for sparse normalisers."""
    held = attention > 0
    lengths = np.add.reduceat(held.astype(np.int64), offsets[:-1])
    kept = np.flatnonzero(lengths)
    found = np.full(len(lengths), np.nan)
    own = np.concatenate([[0], np.cumsum(lengths[kept])])
    found[kept] = kendall_by_text(score[held], y[held], own)["tau"]
    return found
