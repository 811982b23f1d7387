"""Concordance of attention with information, by the gap between two weights."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from attinfo.agreement.pairs import BLOCK, Pairs, order, pairs_of

GAP_BINS = 10
# Absolute bins, the same in every study: ten per decade, and one below them. A job knows one run
# only, so quantiles over all runs of a study are later computed from the counts in these bins.
FINE_EDGES = np.logspace(-6, 0, 61)
FINE_BINS = len(FINE_EDGES)  # the last edge is 1: no gap is above it
FINE = "fine_"  # beginning of the columns of these bins
ABSOLUTE_EDGES = (1e-3, 1e-2, 1e-1)  # of four bins that compare data sets and studies
ABSOLUTE_BINS = len(ABSOLUTE_EDGES) + 1


def gap_of(attention: np.ndarray, pairs: Pairs) -> np.ndarray:
    """[pairs] |a_i - a_j|."""
    return np.abs(attention[pairs.first] - attention[pairs.second]).astype(np.float64)


def gap_edges(
    score: np.ndarray, attention: np.ndarray, offsets: np.ndarray, bins: int = GAP_BINS
) -> np.ndarray:
    """[bins - 1] quantiles of the attention gap |a_i - a_j| over the pairs that score orders.

    If there are more than some millions of pairs, every n-th is used, to bound the memory.
    """
    lengths = np.diff(offsets)
    step = 1 + int((lengths * (lengths - 1) // 2).sum() // BLOCK)
    gaps = [np.empty(0)]
    for pairs in pairs_of(offsets):
        ordered = np.flatnonzero(order(score, pairs))[::step]
        gaps.append(gap_of(attention, pairs)[ordered])
    everyone = np.concatenate(gaps)
    if len(everyone) == 0:  # constant attention orders nothing
        return np.zeros(bins - 1)
    return np.quantile(everyone, np.arange(1, bins) / bins)


class _Count:
    """Numbers of pairs, by text and bin, and the mean gap of each bin."""

    def __init__(self, texts: int, bins: int) -> None:
        self._shape = (texts, bins)
        self._concordant, self._pairs = np.zeros((2, texts * bins))
        self._gap_sum, self._gap_count = np.zeros((2, bins))

    def add(
        self, text: np.ndarray, place: np.ndarray, product: np.ndarray, gap: np.ndarray
    ) -> None:
        """Take [pairs] of these texts in these bins, with the product of their two orders."""
        texts, bins = self._shape
        cell, ordered = text * bins + place, product != 0
        self._concordant += np.bincount(cell, product > 0, minlength=texts * bins)
        self._pairs += np.bincount(cell, ordered, minlength=texts * bins)
        self._gap_sum += np.bincount(place, gap * ordered, minlength=bins)
        self._gap_count += np.bincount(place, ordered, minlength=bins)

    def found(self) -> dict[str, np.ndarray]:
        """`concordant` and `pairs` [texts, bins], and `gap` [bins]."""
        return {
            "concordant": self._concordant.reshape(self._shape),
            "pairs": self._pairs.reshape(self._shape),
            "gap": self._gap_sum / np.maximum(self._gap_count, 1),
        }


def concordance_by_gap(
    score: np.ndarray,
    attention: np.ndarray,
    information: np.ndarray,
    offsets: np.ndarray,
    edges: Sequence[np.ndarray],
    extremes: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> list[dict[str, np.ndarray]]:
    """Count the pairs in which the larger weight has more information, by the gap of the weights.

    Args:
        score, attention, information: [tokens].
        offsets: [texts + 1].
        edges: one or more sets of bins: [bins - 1] between them; a gap on an edge is in the upper.
        extremes: name -> [tokens] further information, which is counted in the first and the last
            bin of the first set alone.

    Returns:
        For each set of bins, then for each of `extremes` (in two bins): `concordant` and `pairs`,
        [texts, bins]: numbers of concordant pairs and of all pairs, without those that are tied in
        score or in information; `gap`, [bins]: the mean gap.
    """
    texts, last = len(offsets) - 1, len(edges[0])
    whole = [_Count(texts, len(own) + 1) for own in edges]
    outer = [_Count(texts, 2) for _ in extremes]
    for pairs in pairs_of(offsets):
        by_score = order(score, pairs)
        product = by_score * order(information, pairs)
        gap = gap_of(attention, pairs)
        places = [np.searchsorted(own, gap, side="right") for own in edges]
        for count, place in zip(whole, places, strict=True):
            count.add(pairs.text, place, product, gap)
        kept = np.flatnonzero(((places[0] == 0) | (places[0] == last)) & (by_score != 0))
        some, place = Pairs(*(part[kept] for part in pairs)), places[0][kept] // max(last, 1)
        for count, values in zip(outer, extremes.values(), strict=True):
            count.add(some.text, place, by_score[kept] * order(values, some), gap[kept])
    return [count.found() for count in whole + outer]


def gap_columns(
    score: np.ndarray,
    attention: np.ndarray,
    information: np.ndarray,
    offsets: np.ndarray,
    shuffle: np.ndarray,
    extremes: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> Mapping[str, np.ndarray]:
    """Make the columns of a run, [texts] each, in deciles of its gaps and in fine absolute bins.

    Args:
        score, attention, information: [tokens].
        offsets: [texts + 1].
        shuffle: [tokens] for each token, the token whose score and weight it gets when permuted.
        extremes: further information [tokens], by the form of the names of its columns, in which
            the first {} stands for `concordant` or `pairs` and the second for the decile.

    Returns:
        `concordant:<b>`, `pairs:<b>` and `gap:<b>` in the run's deciles;
        `concordant_permuted:<b>` and `pairs_permuted:<b>`, the same with weights permuted within
        each text; `fine_concordant:<b>` and `fine_pairs:<b>` in the bins of `FINE_EDGES`; and the
        columns of `extremes` in the first and the last decile.
    """
    edges = gap_edges(score, attention, offsets)
    own, fine, *outer = concordance_by_gap(
        score, attention, information, offsets, (edges, FINE_EDGES[:-1]), extremes
    )
    moved = score[shuffle], attention[shuffle]
    (permuted,) = concordance_by_gap(*moved, information, offsets, (edges,))
    columns: dict[str, np.ndarray] = {}
    for b in range(GAP_BINS):
        columns[f"concordant:{b}"] = own["concordant"][:, b]
        columns[f"pairs:{b}"] = own["pairs"][:, b]
        columns[f"gap:{b}"] = np.full(len(offsets) - 1, own["gap"][b])
        columns[f"concordant_permuted:{b}"] = permuted["concordant"][:, b]
        columns[f"pairs_permuted:{b}"] = permuted["pairs"][:, b]
    for b in np.flatnonzero(fine["pairs"].any(0)).tolist():  # most are empty
        columns[f"fine_concordant:{b}"] = fine["concordant"][:, b]
        columns[f"fine_pairs:{b}"] = fine["pairs"][:, b]
    for form, found in zip(extremes, outer, strict=True):
        for place, b in enumerate((0, GAP_BINS - 1)):
            for name in ("concordant", "pairs"):
                columns[form.format(name, b)] = found[name][:, place]
    return columns


def study_bins(counts: np.ndarray, bins: int = GAP_BINS) -> np.ndarray:
    """[FINE_BINS] the quantile bin that each fine bin falls in.

    Args:
        counts: [FINE_BINS] pairs in each fine bin, over all runs.
        bins: number of quantile bins.
    """
    middle = (np.cumsum(counts) - counts / 2) / max(counts.sum(), 1)
    return np.minimum((middle * bins).astype(np.int64), bins - 1)


def study_gaps(tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Replace the counts in fine bins by counts in bins that all runs of a data set share.

    Args:
        tables: one per run, with the columns of `gap_columns`. The list is changed in place, so
            that one table at most is in memory twice.

    Returns:
        The same list. The tables have `study_concordant:<b>`, `study_pairs:<b>` and
        `study_gap:<b>`, in quantiles of the gap over the pairs of all runs, at the resolution of
        the fine bins; and `absolute_concordant:<b>` and `absolute_pairs:<b>`, between
        `ABSOLUTE_EDGES`.
    """
    counts = {
        name: [_fine(table, f"fine_{name}") for table in tables] for name in ("concordant", "pairs")
    }
    total = np.sum([own.sum(0, dtype=np.float64) for own in counts["pairs"]], axis=0)
    middle = np.sqrt(np.append(FINE_EDGES[0], FINE_EDGES[:-1]) * FINE_EDGES)
    places = {
        "study": (study_bins(total), GAP_BINS),
        "absolute": (np.searchsorted(ABSOLUTE_EDGES, middle), ABSOLUTE_BINS),
    }
    for i, table in enumerate(tables):
        columns = {
            f"{kind}_{name}:{b}": counts[name][i][:, place == b].sum(1, dtype=np.float64)
            for kind, (place, bins) in places.items()
            for name in counts
            for b in range(bins)
        }
        place = places["study"][0]
        for b in range(GAP_BINS):
            weights = total * (place == b)
            mean = weights @ middle / weights.sum() if weights.any() else np.nan
            columns[f"study_gap:{b}"] = np.full(len(table), mean)
        kept = table.drop(columns=[name for name in table if name.startswith(FINE)])
        tables[i] = pd.concat([kept, pd.DataFrame(columns, index=table.index)], axis=1)
    return tables


def _fine(table: pd.DataFrame, name: str) -> np.ndarray:
    """[texts, FINE_BINS] counts; zero where the run has no such column."""
    columns = [f"{name}:{b}" for b in range(FINE_BINS)]
    return table.reindex(columns=columns).to_numpy(np.float32, na_value=0)
