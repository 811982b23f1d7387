"""Does attention order the tokens as information does? Rank agreement, ties and all, by text.

Weights are compared by the scores they come from, which order them in the same way and do not
round to ties. What has no order (constant attention, a single token) is undefined: excluded and
counted, never zero.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from attinfo.store import States

GAP_BINS = 10
BLOCK = 4_000_000  # pairs of tokens held at a time


class Pairs(NamedTuple):
    """Pairs of tokens i < j of the same text, as rows of the store."""

    first: np.ndarray
    second: np.ndarray
    text: np.ndarray


def pairs_of(offsets: np.ndarray) -> Iterator[Pairs]:
    """All pairs of tokens within each text, in blocks of bounded size."""
    lengths = np.diff(offsets)
    counts = lengths * (lengths - 1) // 2
    block = np.cumsum(counts) // BLOCK
    for texts in np.split(np.arange(len(lengths)), np.flatnonzero(np.diff(block)) + 1):
        first, second = [], []
        for text in texts:
            i, j = np.triu_indices(lengths[text], 1)
            first.append(i + offsets[text])
            second.append(j + offsets[text])
        owner = np.repeat(texts, counts[texts])
        yield Pairs(np.concatenate(first), np.concatenate(second), owner)


def order(values: np.ndarray, pairs: Pairs) -> np.ndarray:
    """[pairs] -1, 0 or 1: how the first token of each pair compares with the second."""
    values = values.astype(np.float64)
    return np.sign(values[pairs.first] - values[pairs.second]).astype(np.int8)


def gap_of(attention: np.ndarray, pairs: Pairs) -> np.ndarray:
    """[pairs] |a_i - a_j|."""
    return np.abs(attention[pairs.first] - attention[pairs.second]).astype(np.float64)


def kendall_by_text(x: np.ndarray, y: np.ndarray, offsets: np.ndarray) -> pd.DataFrame:
    """Kendall's tau-b of two values over the tokens of each text.

    Args:
        x: [tokens], y: [tokens], offsets: [texts + 1].

    Returns:
        A row a text: `tau` (NaN where either is constant), `tie_rate` (share of pairs tied in x
        or y) and `ceiling`, the largest tau-b that the numbers of ties allow,
        sqrt(min(untied x, untied y) / max(...)).

    Reference: Kendall 1945, Biometrika 33.
    """
    texts = len(offsets) - 1
    total, agree, untied_x, untied_y, untied = np.zeros((5, texts))
    for pairs in pairs_of(offsets):
        a, b = order(x, pairs), order(y, pairs)

        def summed(values: np.ndarray, text: np.ndarray = pairs.text) -> np.ndarray:
            return np.bincount(text, values, minlength=texts)

        total += summed(np.ones(len(a)))
        agree += summed(a * b)
        untied_x += summed(a != 0)
        untied_y += summed(b != 0)
        untied += summed((a != 0) & (b != 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.DataFrame(
            {
                "tau": agree / np.sqrt(untied_x * untied_y),
                "tie_rate": 1 - untied / total,
                "ceiling": np.sqrt(np.minimum(untied_x, untied_y) / np.maximum(untied_x, untied_y)),
            }
        )


def gap_edges(
    score: np.ndarray, attention: np.ndarray, offsets: np.ndarray, bins: int = GAP_BINS
) -> np.ndarray:
    """[bins - 1] quantiles of the attention gap |a_i - a_j| over the pairs that score orders.

    At most some millions of pairs are used, every n-th, so that long texts fit in memory.
    """
    lengths = np.diff(offsets)
    step = 1 + int((lengths * (lengths - 1) // 2).sum() // BLOCK)
    gaps = []
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
    bins: int = GAP_BINS,
) -> dict[str, np.ndarray]:
    """How often a larger weight goes with larger information, by the gap of the two weights.

    Returns:
        `concordant`, `pairs` [texts, bins]: numbers of pairs; a pair tied in score or in
        information has no order and is left out. `gap` [bins]: the mean gap in each bin.
    """
    texts = len(offsets) - 1
    edges = gap_edges(score, attention, offsets, bins)
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


def skew_by_text(attention: np.ndarray, offsets: np.ndarray) -> pd.DataFrame:
    """How unequal the weights of each text are; NaN for a text of one token.

    `entropy_ratio`: entropy over that of equal weights, 1 for uniform attention; `max_weight`;
    `gini`: 0 for uniform attention, 1 - 1/n for all weight on one of n tokens.
    """
    weights = attention.astype(np.float64)
    starts, lengths = offsets[:-1], np.diff(offsets)
    text = np.repeat(np.arange(len(lengths)), lengths)
    surprise = -weights * np.log(np.where(weights > 0, weights, 1))
    ascending = weights[np.lexsort((weights, text))]
    place = np.arange(len(weights)) - np.repeat(starts, lengths) + 1  # 1..n, smallest first
    with np.errstate(invalid="ignore", divide="ignore"):
        skew = {
            "entropy_ratio": np.add.reduceat(surprise, starts) / np.log(lengths),
            "max_weight": np.maximum.reduceat(weights, starts),
            "gini": np.add.reduceat((2 * place / np.repeat(lengths, lengths)) * ascending, starts)
            - (lengths + 1) / lengths,
        }
    return pd.DataFrame(skew).where(np.repeat((lengths > 1)[:, None], 3, axis=1))


def found_by_text(states: States, gain: np.ndarray, decisive: np.ndarray) -> dict[str, np.ndarray]:
    """How well weights and gain find the decisive tokens of each text.

    Args:
        states: of the run.
        gain: [tokens].
        decisive: [tokens] bool, known by construction.

    Returns:
        [texts] each: `hit_attention` and `hit_gain`, whether the token with the largest score or
        gain is decisive (tied ones count in part; NaN where the scores of the text are all the
        same); `decisive_attention`, the weight on the decisive tokens; `decisive_gain`, the mean
        gain of the decisive tokens less that of the others, in nats.
    """
    starts = states.offsets[:-1]

    def total(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values.astype(np.float64), starts)

    def hit(values: np.ndarray) -> np.ndarray:
        top = values == np.repeat(np.maximum.reduceat(values, starts), states.lengths)
        return total(top & decisive) / total(top)

    constant = np.maximum.reduceat(states.score, starts) == np.minimum.reduceat(
        states.score, starts
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        others = total(gain * ~decisive) / total(~decisive)
        return {
            "hit_attention": np.where(constant, np.nan, hit(states.score)),
            "hit_gain": hit(gain),
            "decisive_attention": total(states.attention * decisive),
            "decisive_gain": total(gain * decisive) / total(decisive) - others,
        }


def by_text(
    states: States, pointwise: pd.DataFrame, decisive: np.ndarray | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Everything the claims need of one run, summed by text, so that texts can be resampled.

    Args:
        states: of the run, without `hidden`.
        pointwise: the run's `pointwise.parquet`.
        decisive: [tokens] bool, where it is known which tokens decide the label.

    Returns:
        A row a text: label, predicted, tokens; the skew of its weights; `tau:<measure>`;
        for each pointwise column its sum and its count of tokens (`sum:`, `count:`); concordant
        and ordered pairs in each gap bin (`concordant:0`, `pairs:0`, ...); what `found_by_text`
        tells, where `decisive` is known. And the rows of `agreement.csv` for the index
        `instance`.
    """
    offsets = states.offsets
    table = pd.DataFrame(
        {"label": states.label, "predicted": states.predicted, "tokens": states.lengths}
    )
    table = table.join(skew_by_text(states.attention, offsets))
    if decisive is not None:
        table = table.assign(**found_by_text(states, pointwise["linear_gain"].to_numpy(), decisive))
    rows = []
    for measure in pointwise.columns.drop(["text", "token", "attention"]):
        values = pointwise[measure].to_numpy()
        known = ~np.isnan(values)
        table[f"sum:{measure}"] = np.bincount(
            pointwise["text"][known], values[known], minlength=len(table)
        )
        table[f"count:{measure}"] = np.bincount(pointwise["text"][known], minlength=len(table))
        if not known.all():  # a unit's value: texts are not covered in full
            continue
        kendall = kendall_by_text(states.score, values, offsets)
        table[f"tau:{measure}"] = kendall["tau"]
        rows.append(
            {
                "index": "instance",
                "pair": f"attention~{measure}",
                "statistic": "kendall_b",
                "value": kendall["tau"].mean(),
                "n": int(kendall["tau"].notna().sum()),
                "tie_rate": kendall["tie_rate"].mean(),
                "ceiling": kendall["ceiling"].mean(),
                "excluded": int(kendall["tau"].isna().sum()),
            }
        )
    gaps = concordance_by_gap(
        states.score, states.attention, pointwise["linear_gain"].to_numpy(), offsets
    )
    columns = {
        f"{name}:{bin}": gaps[name][:, bin]
        for name in ("concordant", "pairs")
        for bin in range(GAP_BINS)
    }
    columns |= {f"gap:{bin}": np.full(len(table), gaps["gap"][bin]) for bin in range(GAP_BINS)}
    return table.join(pd.DataFrame(columns)), pd.DataFrame(rows)


def by_unit(states: States, information: pd.DataFrame) -> pd.DataFrame:
    """Rows of `agreement.csv` for the indexes `position` and `rank` of one run.

    `position`: mean weight of each position against its information. `rank`: the order of the
    ranks, most attended first, against theirs.
    """
    rows = []
    units = information[
        information["index"].isin(["position", "rank"]) & ~information["spot_check"]
    ]
    for (index, estimator), part in units.groupby(["index", "estimator"], sort=True):
        if index == "position":
            mean = pd.Series(states.attention).groupby(states.position).mean()
            attention = mean[part["unit"]].to_numpy(np.float64)
            if np.ptp(states.score) == 0:  # uniform: shorter texts make later positions differ
                attention[:] = 0
        else:
            attention = -part["unit"].to_numpy(np.float64)
        values = part["mi_nats"].to_numpy()
        whole_text = np.array([0, len(part)])
        kendall = kendall_by_text(attention, values, whole_text).iloc[0]
        rows.append(
            {
                "index": index,
                "pair": f"attention~{estimator}_mi",
                "statistic": "kendall_b",
                "value": kendall["tau"],
                "n": len(part),
                "tie_rate": kendall["tie_rate"],
                "ceiling": kendall["ceiling"],
                "excluded": int(np.isnan(kendall["tau"])),
            }
        )
    return pd.DataFrame(rows)
