"""Other rank statistics of two measures within each text: weighted tau, Spearman, Pearson, top k.

All are NaN in a text where either measure is constant, has a NaN, or there is one token.
"""

import numpy as np

from attinfo.agreement.kendall import kendall_by_text, nan_in_text
from attinfo.agreement.pairs import order, pairs_of, runs_of, text_of

TOP = 0.2  # share of the tokens of a text that are its top k; at least one


def average_ranks(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[tokens] rank of each token in its text, from 1 for the smallest; ties share their mean.

    NaN throughout a text that has a NaN.
    """
    text = text_of(offsets)
    ascending = np.lexsort((values, text))
    own = values[ascending]
    # Tied tokens of a text are a group: numbered in ascending order.
    group = np.cumsum((np.diff(own, prepend=own[:1]) != 0) | (np.diff(text, prepend=0) != 0))
    place = np.arange(len(values)) - offsets[:-1][text] + 1.0
    ranks = np.empty(len(values))
    ranks[ascending] = (np.bincount(group, place) / np.bincount(group))[group]
    return np.where(nan_in_text(values, offsets)[text], np.nan, ranks)


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
    """[texts] whether all tokens of the text have one value."""
    starts = offsets[:-1]
    return np.maximum.reduceat(values, starts) == np.minimum.reduceat(values, starts)


def spearman(x: np.ndarray, y: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[texts] Spearman's correlation, ties at their mean rank."""
    return pearson(average_ranks(x, offsets), average_ranks(y, offsets), offsets)


def weighted_tau(x: np.ndarray, y: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[texts] weighted tau: an exchange of tokens of ranks r and s weighs 1/(1+r) + 1/(1+s).

    The mean of the two taus with ranks r >= 0 by decreasing (x, y) and by decreasing (y, x), as
    `scipy.stats.weightedtau` by default.

    Reference: Vigna 2015, "A weighted correlation index for rankings with ties".
    """
    text, texts = text_of(offsets), len(offsets) - 1
    place = np.arange(len(x)) - offsets[:-1][text]
    weights = []
    for one, other in ((x, y), (y, x)):
        weight = np.empty(len(x))
        weight[np.lexsort((-other, -one, text))] = 1 / (1.0 + place)
        weights.append(weight)
    sums = np.zeros((2, 3, texts))
    for pairs in pairs_of(offsets):
        with np.errstate(invalid="ignore"):
            a, b = order(x, pairs), order(y, pairs)
        parts, (starts, own) = (a * b, a != 0, b != 0), runs_of(pairs)
        for weight, total in zip(weights, sums, strict=True):
            exchange = weight[pairs.first] + weight[pairs.second]
            for part, row in zip(parts, total, strict=True):
                row[own] = np.add.reduceat(exchange * part, starts)
    undefined = nan_in_text(x, offsets) | nan_in_text(y, offsets)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (sums[:, 0] / np.sqrt(sums[:, 1] * sums[:, 2])).mean(0)
    return np.where(undefined, np.nan, found)


def _thresholds(
    values: np.ndarray, offsets: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """[texts] k, a share of the tokens but at least one; and the k-th largest value."""
    lengths = np.diff(offsets)
    k = np.clip(np.rint(share * lengths), 1, lengths).astype(np.int64)
    ascending = values[np.lexsort((values, text_of(offsets)))]
    return k, ascending[offsets[1:] - k]


def top_overlap(
    x: np.ndarray, y: np.ndarray, offsets: np.ndarray, share: float = TOP
) -> np.ndarray:
    """[texts] share of the k top tokens by x that are among the k top ones by y.

    Tokens tied at the k-th place are members in part, as in the mean over random orders of them.
    """
    text, starts = text_of(offsets), offsets[:-1]
    members = []
    for values in (x, y):
        k, least = _thresholds(values, offsets, share)
        above, tied = values > least[text], values == least[text]
        left = k - np.add.reduceat(above.astype(np.int64), starts)
        part = left / np.maximum(np.add.reduceat(tied.astype(np.int64), starts), 1)
        members.append(above + tied * part[text])
    undefined = np.logical_or.reduce(
        [test(values, offsets) for test in (nan_in_text, is_constant) for values in (x, y)]
    )
    overlap = np.add.reduceat(members[0] * members[1], starts) / k
    return np.where(undefined, np.nan, overlap)


def top_tau(x: np.ndarray, y: np.ndarray, offsets: np.ndarray, share: float = TOP) -> np.ndarray:
    """[texts] tau-b of the two rankings with all below the k top tokens of each tied.

    Over the tokens that either ranking has on top; all tokens and tau-b itself where k is n.

    Reference: after Fagin, Kumar & Sivakumar 2003, "Comparing top k lists": with tau-b's
    treatment of ties in place of a penalty for them.
    """

    def cut(values: np.ndarray) -> np.ndarray:
        least = _thresholds(values, offsets, share)[1][text_of(offsets)]
        return np.where(values < least, np.nextafter(least, -np.inf), values)

    return kendall_by_text(cut(x), cut(y), offsets)["tau"].to_numpy()


def tau_on_support(
    score: np.ndarray, attention: np.ndarray, y: np.ndarray, offsets: np.ndarray
) -> np.ndarray:
    """[texts] tau-b over the tokens that have any weight; for sparse normalisers."""
    held = attention > 0
    lengths = np.add.reduceat(held.astype(np.int64), offsets[:-1])
    kept = np.flatnonzero(lengths)
    found = np.full(len(lengths), np.nan)
    own = np.concatenate([[0], np.cumsum(lengths[kept])])
    found[kept] = kendall_by_text(score[held], y[held], own)["tau"]
    return found
