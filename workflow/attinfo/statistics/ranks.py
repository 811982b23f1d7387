"""An interval for the rank of each cell, which shows how sure the best cell is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.stats import studentized_range

from attinfo.keys import ALL, BLOCKS


@dataclass(frozen=True)
class Scores:
    """A statistic of the trained cells of a data set.

    `cells`: one row per cell, with its blocks and its number of seeds. `mean`: [cells]. `spread`,
    `freedom`: variance over the seeds within cells, pooled over cells, and its degrees of freedom.
    `texts`: [cells, cells] covariance of the means over resampled texts.
    """

    cells: pd.DataFrame
    mean: np.ndarray
    spread: float
    freedom: int
    texts: np.ndarray


def scores_of(runs: pd.DataFrame, draws: np.ndarray) -> Scores:
    """Collect the scores of the trained cells in which a statistic is defined.

    Args:
        runs: of one data set, one row per run.
        draws: [1 + B, runs] the statistic, row 0 over the texts as they are.
    """
    known = runs[(runs["variant"] == "trained") & np.isfinite(draws).all(0)]
    groups = [(cell, own.index.to_numpy()) for cell, own in known.groupby(BLOCKS, sort=False)]
    cells = pd.DataFrame([cell for cell, _ in groups], columns=BLOCKS)
    cells["seeds"] = [len(own) for _, own in groups]
    if not groups:
        return Scores(cells, np.empty(0), np.nan, 0, np.empty((0, 0)))
    means = np.stack([draws[:, own].mean(1) for _, own in groups])
    freedom = int((cells["seeds"] - 1).sum())
    within = sum(((draws[0, own] - draws[0, own].mean()) ** 2).sum() for _, own in groups)
    texts = np.atleast_2d(np.cov(means[:, 1:]))
    return Scores(cells, means[:, 0], within / freedom if freedom else np.nan, freedom, texts)


@lru_cache(maxsize=64)
def _critical(count: int, freedom: int, level: float) -> float:
    """Critical value of the largest of all differences, in standard errors of a difference."""
    return float(studentized_range.ppf(level, count, freedom) / np.sqrt(2))


def _table(
    cells: pd.DataFrame, mean: np.ndarray, variance: np.ndarray, freedom: int, level: float
) -> pd.DataFrame:
    """Rank cells, given the [cells, cells] variances of the differences of their means."""
    count = len(cells)
    difference = mean[:, None] - mean
    critical = np.nan
    if freedom and count > 1:
        critical = _critical(count, freedom, level)
    above = difference > critical * np.sqrt(variance)  # False where the variance is not known
    best_first = (-mean).argsort(kind="stable").argsort(kind="stable") + 1
    note = "" if freedom else "one seed a cell: ranks are not known"
    return cells.assign(
        estimate=mean,
        rank=best_first,
        rank_low=1 + above.sum(0),
        rank_high=count - above.sum(1),
        cells=count,
        note=note,
    )


def rank_intervals(scores: Mapping[str, Scores], statistic: str, level: float) -> pd.DataFrame:
    """Make the rows of `ranks.csv`: the rank of each trained cell with its interval.

    The largest score has rank 1. The intervals hold for all cells of a data set at once: a rank is
    bounded by the numbers of cells that are significantly above and below by simultaneous intervals
    of all differences (Tukey-Kramer, with the same variance over seeds in all cells). With several
    data sets there are also rows of the `dataset` "all", the mean over data sets of the cells that
    all of them have.

    Args:
        scores: data set -> its scores.
        statistic: the name of the statistic.
        level: of all intervals together.

    Reference: Mogstad, Romano, Shaikh & Wilhelm 2024, Review of Economic Studies 91; Tukey 1953,
    Kramer 1956 for the intervals of differences.
    """
    tables = []
    for dataset, own in scores.items():
        if len(own.cells) == 0:
            continue
        table = _table(own.cells, own.mean, _variance(own), own.freedom, level)
        tables.append(table.assign(dataset=dataset))
    if len(scores) > 1:
        tables += _over_datasets([own for own in scores.values() if len(own.cells)], level)
    columns = ["statistic", "dataset", *BLOCKS, "seeds", "estimate", "rank", "rank_low"]
    columns += ["rank_high", "cells", "note"]
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.concat(tables, ignore_index=True).assign(statistic=statistic)[columns]


def _variance(own: Scores) -> np.ndarray:
    """[cells, cells] variances of differences of means, over seeds and over shared texts."""
    seeds = own.spread / own.cells["seeds"].to_numpy()
    texts = np.diag(own.texts)
    return seeds[:, None] + seeds + np.maximum(texts[:, None] + texts - 2 * own.texts, 0)


def _over_datasets(scores: list[Scores], level: float) -> list[pd.DataFrame]:
    """The ranks of means over data sets; empty if the data sets have no cell in common."""
    keys = [list(own.cells[BLOCKS].itertuples(index=False, name=None)) for own in scores]
    common = [key for key in keys[0] if all(key in other for other in keys[1:])] if keys else []
    if not common:
        return []
    places = [[own.index(key) for key in common] for own in keys]
    mean = np.mean([own.mean[at] for own, at in zip(scores, places, strict=True)], axis=0)
    variances = [_variance(own)[np.ix_(at, at)] for own, at in zip(scores, places, strict=True)]
    cells = pd.DataFrame(common, columns=BLOCKS)
    cells["seeds"] = sum(
        own.cells["seeds"].to_numpy()[at] for own, at in zip(scores, places, strict=True)
    )
    freedom = min(own.freedom for own in scores)  # the variance may differ between data sets
    table = _table(cells, mean, np.sum(variances, axis=0) / len(scores) ** 2, freedom, level)
    return [table.assign(dataset=ALL)]
