"""Concordance of attention with information, by the gap between two weights."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from attinfo.agreement.pairs import BLOCK, Pairs, order, pairs_of

GAP_BINS = 10
# Absolute bins, the same in every study: ten per decade, and one below them. A job knows one run
# only, so quantiles over all runs of a study are later computed from the counts in these bins.
FINE_EDGES = np.logspace(-6, 0, 61)
FINE_BINS = len(FINE_EDGES)  # the last edge is 1: no gap is above it
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


def concordance_by_gap(
    score: np.ndarray,
    attention: np.ndarray,
    information: np.ndarray,
    offsets: np.ndarray,
    edges: np.ndarray,
) -> dict[str, np.ndarray]:
    """Count the pairs in which the larger weight has more information, by the gap of the weights.

    Args:
        score, attention, information: [tokens].
        offsets: [texts + 1].
        edges: [bins - 1] between the bins; a gap on an edge is in the upper bin.

    Returns:
        `concordant` and `pairs`, [texts, bins]: numbers of concordant pairs and of all pairs,
        without those that are tied in score or in information; `gap`, [bins]: the mean gap.
    """
    texts, bins = len(offsets) - 1, len(edges) + 1
    concordant, count = np.zeros((2, texts * bins))
    gap_sum, gap_count = np.zeros((2, bins))
    for pairs in pairs_of(offsets):
        product = order(score, pairs) * order(information, pairs)
        gap = gap_of(attention, pairs)
        place = np.searchsorted(edges, gap, side="right")
        cell = pairs.text * bins + place
        concordant += np.bincount(cell, product > 0, minlength=texts * bins)
        count += np.bincount(cell, product != 0, minlength=texts * bins)
        gap_sum += np.bincount(place, gap * (product != 0), minlength=bins)
        gap_count += np.bincount(place, product != 0, minlength=bins)
    return {
        "concordant": concordant.reshape(texts, bins),
        "pairs": count.reshape(texts, bins),
        "gap": gap_sum / np.maximum(gap_count, 1),
    }


def gap_columns(
    score: np.ndarray,
    attention: np.ndarray,
    information: np.ndarray,
    offsets: np.ndarray,
    shuffle: np.ndarray,
) -> Mapping[str, np.ndarray]:
    """Make the columns of a run, [texts] each, in deciles of its gaps and in fine absolute bins.

    Args:
        score, attention, information: [tokens].
        offsets: [texts + 1].
        shuffle: [tokens] for each token, the token whose score and weight it gets when permuted.

    Returns:
        `concordant:<b>`, `pairs:<b>` and `gap:<b>` in the run's deciles;
        `concordant_permuted:<b>` and `pairs_permuted:<b>`, the same with weights permuted within
        each text; `fine_concordant:<b>` and `fine_pairs:<b>` in the bins of `FINE_EDGES`.
    """
    edges = gap_edges(score, attention, offsets)
    own = concordance_by_gap(score, attention, information, offsets, edges)
    permuted = concordance_by_gap(score[shuffle], attention[shuffle], information, offsets, edges)
    fine = concordance_by_gap(score, attention, information, offsets, FINE_EDGES[:-1])
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
    return columns


def study_bins(counts: np.ndarray, bins: int = GAP_BINS) -> np.ndarray:
    """[FINE_BINS] the quantile bin that each fine bin falls in.

    Args:
        counts: [FINE_BINS] pairs in each fine bin, over all runs.
        bins: number of quantile bins.
    """
    middle = (np.cumsum(counts) - counts / 2) / max(counts.sum(), 1)
    return np.minimum((middle * bins).astype(np.int64), bins - 1)


def study_gaps(tables: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Add counts in bins that all runs of a data set share to the tables of their texts.

    Args:
        tables: one per run, with the columns of `gap_columns`.

    Returns:
        The tables with `study_concordant:<b>`, `study_pairs:<b>` and `study_gap:<b>`, in quantiles
        of the gap over the pairs of all runs, at the resolution of the fine bins; and with
        `absolute_concordant:<b>` and `absolute_pairs:<b>`, between `ABSOLUTE_EDGES`.
    """
    counts = {
        name: [_fine(table, f"fine_{name}") for table in tables] for name in ("concordant", "pairs")
    }
    total = np.sum([own.sum(0) for own in counts["pairs"]], axis=0)
    middle = np.sqrt(np.append(FINE_EDGES[0], FINE_EDGES[:-1]) * FINE_EDGES)
    places = {
        "study": (study_bins(total), GAP_BINS),
        "absolute": (np.searchsorted(ABSOLUTE_EDGES, middle), ABSOLUTE_BINS),
    }
    found = []
    for i, table in enumerate(tables):
        columns = {
            f"{kind}_{name}:{b}": counts[name][i][:, place == b].sum(1)
            for kind, (place, bins) in places.items()
            for name in counts
            for b in range(bins)
        }
        place = places["study"][0]
        for b in range(GAP_BINS):
            weights = total * (place == b)
            mean = weights @ middle / weights.sum() if weights.any() else np.nan
            columns[f"study_gap:{b}"] = np.full(len(table), mean)
        found.append(pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1))
    return found


def _fine(table: pd.DataFrame, name: str) -> np.ndarray:
    """[texts, FINE_BINS] counts; zero where the run has no such column."""
    columns = [f"{name}:{b}" for b in range(FINE_BINS)]
    return table.reindex(columns=columns).to_numpy(np.float64, na_value=0)
