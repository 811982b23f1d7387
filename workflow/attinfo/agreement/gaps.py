"""Concordance of attention with information, by the gap between two weights: conclusion (iii)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from attinfo.agreement.pairs import BLOCK, Pairs, order, pairs_of

GAP_BINS = 10
# Absolute bins, the same in every study: ten a decade, and one for all that is smaller. Quantiles
# over a study, whose other runs a job does not know, are put together from these.
FINE_EDGES = np.logspace(-6, 0, 61)
FINE_BINS = len(FINE_EDGES)  # the last edge is 1: no gap is above it
ABSOLUTE_EDGES = (1e-3, 1e-2, 1e-1)  # of four bins, for comparing data sets and studies


def gap_of(attention: np.ndarray, pairs: Pairs) -> np.ndarray:
    """[pairs] |a_i - a_j|."""
    return np.abs(attention[pairs.first] - attention[pairs.second]).astype(np.float64)


def gap_edges(
    score: np.ndarray, attention: np.ndarray, offsets: np.ndarray, bins: int = GAP_BINS
) -> np.ndarray:
    """[bins - 1] quantiles of the attention gap |a_i - a_j| over the pairs that score orders.

    At most some millions of pairs are used, every n-th, so that long texts fit in memory.
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
    """How often a larger weight goes with larger information, by the gap of the two weights.

    Args:
        score, attention, information: [tokens].
        offsets: [texts + 1].
        edges: [bins - 1] between the bins; a gap on an edge is in the upper bin.

    Returns:
        `concordant`, `pairs` [texts, bins]: numbers of pairs; a pair tied in score or in
        information has no order and is left out. `gap` [bins]: the mean gap in each bin.
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
    """[texts] columns of a run: its own deciles of the gap, and the fine absolute bins.

    `concordant:<b>`, `pairs:<b>`, `gap:<b>` in its deciles; `concordant_permuted:<b>`, the same
    with weights permuted within each text (the pairs are as many); `fine_concordant:<b>` and
    `fine_pairs:<b>` in the bins of `FINE_EDGES`.

    Args:
        shuffle: [tokens] the token whose score and weight each token has when permuted.
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
    for b in np.flatnonzero(fine["pairs"].any(0)):  # most are empty
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
    """The tables of texts of all runs of a data set, with bins that are the same for all of them.

    `study_concordant:<b>`, `study_pairs:<b>`, `study_gap:<b>`: quantiles of the gap over the
    pairs of all runs, to the resolution of the fine bins. `absolute_concordant:<b>`,
    `absolute_pairs:<b>`: between `ABSOLUTE_EDGES`.
    """
    counts = {
        name: [_fine(table, f"fine_{name}") for table in tables] for name in ("concordant", "pairs")
    }
    total = np.sum([own.sum(0) for own in counts["pairs"]], axis=0)
    middle = np.sqrt(np.append(FINE_EDGES[0], FINE_EDGES[:-1]) * FINE_EDGES)
    places = {
        "study": (study_bins(total), GAP_BINS),
        "absolute": (np.searchsorted(ABSOLUTE_EDGES, middle), len(ABSOLUTE_EDGES) + 1),
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
    """[texts, FINE_BINS] counts: none where there is no column, or another run's alone."""
    columns = [f"{name}:{b}" for b in range(FINE_BINS)]
    return table.reindex(columns=columns).to_numpy(np.float64, na_value=0)
