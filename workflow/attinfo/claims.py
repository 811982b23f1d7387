"""The verdicts: every contrast with its effect, interval and p, from the tables of all runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from attinfo.contrasts import CONTRASTS, STATISTICS, Contrast, Statistic
from attinfo.registry import parse_normaliser
from attinfo.statistics import Interval, Ratios, draw_replicates, interval, text_weights

RUN = ["dataset", "encoder", "attention", "normaliser", "variant", "seed"]
CELL = RUN[:-1]


@dataclass(frozen=True)
class Draws:
    """Bootstrap draws of one statistic: [1 + B, runs], row 0 over the texts as they are."""

    runs: pd.DataFrame
    values: np.ndarray


def describe_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """The identity of each run, with `kind` and `temperature` of its normaliser."""
    parsed = [parse_normaliser(name) for name in runs["normaliser"]]
    return runs.assign(
        kind=[kind for kind, _ in parsed], temperature=[temperature for _, temperature in parsed]
    )


def output_entropy(predicted: pd.Series) -> float:
    """Entropy of a run's predicted classes, in nats."""
    share = predicted.value_counts(normalize=True).to_numpy()
    return float(-(share * np.log(share)).sum())


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    """A column; NaN where the run has none, as uniform attention has no ranks."""
    return table.get(name, pd.Series(np.nan, table.index)).to_numpy(np.float64)


def draw(
    tables: Mapping[tuple[Any, ...], pd.DataFrame], statistic: Statistic, repeats: int, seed: int
) -> Draws:
    """Resample the texts of every run; runs of one data set share their texts and draws.

    Args:
        tables: run -> a row a text, as from `agreement.by_text`.
        statistic: what to compute.
        repeats: number of resamples B.
        seed: of the resampling.
    """
    runs = pd.DataFrame(tables.keys(), columns=RUN)
    values = np.empty((1 + repeats, len(runs)))
    for dataset, part in runs.groupby("dataset"):
        own = [tables[tuple(run)] for run in part.itertuples(index=False)]
        weights = text_weights(len(own[0]), repeats, seed, dataset)
        total = np.zeros((1 + repeats, len(own)))
        for sign, column, count in statistic.terms:
            numerator = np.stack([_column(t, column) for t in own], 1)
            if count is None:
                denominator = (~np.isnan(numerator)).astype(np.float64)
                numerator = np.nan_to_num(numerator)
            else:
                denominator = np.stack([_column(t, count) for t in own], 1)
            total += sign * Ratios(numerator, denominator).over(weights)
        if statistic.per_entropy:
            entropies = np.array([output_entropy(t["predicted"]) for t in own])
            with np.errstate(invalid="ignore", divide="ignore"):
                total /= np.where(entropies > 0, entropies, np.nan)
        values[:, part.index] = total
    return Draws(describe_runs(runs), values)


def replicate_effects(draws: Draws, contrast: Contrast) -> tuple[np.ndarray, int]:
    """[1 + B, replicates] effects of a contrast, and how many strata each is a mean of.

    A replicate is a data set and a seed. Within it the difference is taken in each stratum (the
    cells alike in `within`) that has both sides, and averaged over the strata. A run in which
    the statistic is undefined takes no part.
    """
    runs = draws.runs[np.isfinite(draws.values).all(0)].query(contrast.among)
    side = pd.Series(0, index=runs.index)
    side[runs.query(contrast.plus).index] = 1
    if contrast.minus is not None:
        side[runs.query(contrast.minus).index] = -1
    effects, strata = [], 0
    for _, replicate in runs[side != 0].groupby(["dataset", "seed"], sort=True):
        differences = []
        keys = list(contrast.within)
        groups: Iterable[Any] = replicate.groupby(keys) if keys else [((), replicate)]
        for _, stratum in groups:
            plus = stratum.index[side[stratum.index] == 1]
            minus = stratum.index[side[stratum.index] == -1]
            if len(plus) == 0 or (contrast.minus is not None and len(minus) == 0):
                continue
            against = draws.values[:, minus].mean(1) if len(minus) else contrast.value
            differences.append(draws.values[:, plus].mean(1) - against)
        if differences:
            effects.append(contrast.sign * np.mean(differences, axis=0))
            strata = len(differences)
    return np.stack(effects, 1) if effects else np.empty((len(draws.values), 0)), strata


def verdict(estimate: float, p: float, level: float) -> str:
    """supported, contradicted or undetermined, from an adjusted p."""
    if not p < 1 - level:
        return "undetermined"
    return "supported" if estimate > 0 else "contradicted"


def judge(draws: Mapping[str, Draws], level: float, seed: int) -> pd.DataFrame:
    """The table `claims.csv`: each contrast with effect, interval, adjusted p and verdict.

    The five primary contrasts are adjusted together by Holm, the others by Benjamini and
    Hochberg.
    """
    rows = []
    for contrast in CONTRASTS:
        effects, strata = replicate_effects(draws[contrast.statistic], contrast)
        count = effects.shape[1]
        found = Interval(np.nan, np.nan, np.nan, np.nan)
        if count:
            # The same draws of seeds for every contrast: they are paired.
            found = interval(draw_replicates(effects, seed, count), level)
        note = "" if count else "this study has no runs to compare"
        if count == 1:
            note = "one seed: the interval is of these models, over texts alone"
        rows.append(
            {
                "claim": contrast.claim,
                "role": "primary" if contrast.primary else "secondary",
                "contrast": contrast.statement,
                "statistic": contrast.statistic,
                "n": count,
                "strata": strata,
                "estimate": found.estimate,
                "ci_low": found.low,
                "ci_high": found.high,
                "p": found.p,
                "note": note,
            }
        )
    table = pd.DataFrame(rows).assign(p_holm=np.nan, p_bh=np.nan)
    for role, method, column in (("primary", "holm", "p_holm"), ("secondary", "fdr_bh", "p_bh")):
        judged = (table["role"] == role) & table["p"].notna()
        if judged.any():
            adjusted = multipletests(table.loc[judged, "p"], method=method)[1]
            table.loc[judged, column] = adjusted
    adjusted = table["p_holm"].fillna(table["p_bh"])
    table["verdict"] = [
        verdict(e, p, level) for e, p in zip(table["estimate"], adjusted, strict=True)
    ]
    return table


def summarise(
    draws: Mapping[str, Draws], level: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every statistic of every run (`runs.csv`, wide) and cell (`cells.csv`, with intervals)."""
    runs = next(iter(draws.values())).runs[RUN].copy()
    cells = []
    for name, drawn in draws.items():
        runs[name] = drawn.values[0]
        for cell, part in drawn.runs.groupby(CELL, sort=False):
            found = interval(draw_replicates(drawn.values[:, part.index], seed, len(part)), level)
            row = dict(zip(CELL, cell, strict=True)) | {"statistic": name, "seeds": len(part)}
            cells.append(
                row | {"estimate": found.estimate, "ci_low": found.low, "ci_high": found.high}
            )
    return runs, pd.DataFrame(cells)


def settle(
    texts: Iterable[pd.DataFrame], level: float, repeats: int, seed: int
) -> dict[str, pd.DataFrame]:
    """From the text tables of all cells to the tables `claims`, `runs` and `cells`."""
    tables = {
        run: table.reset_index(drop=True).assign(
            correct=table["label"].eq(table["predicted"]).to_numpy()
        )
        for frame in texts
        for run, table in frame.groupby(RUN, sort=True)
    }
    draws = {name: draw(tables, s, repeats, seed) for name, s in STATISTICS.items()}
    runs, cells = summarise(draws, level, seed)
    return {"claims": judge(draws, level, seed), "runs": runs, "cells": cells}
