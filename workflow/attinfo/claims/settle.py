"""The tables of claims, specifications, runs and cells, from the texts of all runs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from types import MappingProxyType

import numpy as np
import pandas as pd

from attinfo.agreement.gaps import FINE, study_gaps
from attinfo.claims.conclusions import CONCLUSIONS, CONTRASTS
from attinfo.claims.contrast import Contrast
from attinfo.claims.effects import Comparison, Effects
from attinfo.claims.given_statistics import given_statistics
from attinfo.claims.run_statistics import RANKED, STATISTICS
from attinfo.claims.sampled import Draws, Sampled
from attinfo.claims.specifications import Curves, first_versions, versions_of, with_robustness
from attinfo.claims.verdicts import judge
from attinfo.config.sections.statistics import Statistics
from attinfo.keys import BLOCKS, GROUP, HALF, RUN
from attinfo.statistics.intervals import interval, mean_of
from attinfo.statistics.ranks import Scores, rank_intervals, scores_of
from attinfo.statistics.variance import decompose

# The columns of tables of texts that statistics are made of; those of fine bins are added up first.
READ = {c for own in STATISTICS.values() for _, *columns in own.terms for c in columns if c}
READ |= {"predicted"}
# The statistics of contrasts, of specifications and of ranks.
ASKED = {name for contrast in CONTRASTS for name in contrast.statistics} | set(RANKED)
ASKED |= {
    name
    for own in CONCLUSIONS.values()
    for one in own.specifications
    for name in (*one.contrast.statistics, "accuracy")
}


def by_run(
    frames: Iterable[pd.DataFrame],
) -> tuple[list[tuple[object, ...]], list[pd.DataFrame]]:
    """Split tables of texts by run, and add the column `correct`.

    Columns that no statistic is made of, such as the agreement of two measures of importance, are
    dropped: they are most of the memory of a large study.
    """
    runs, tables = [], []
    for frame in frames:
        correct = frame["label"].eq(frame["predicted"])
        if "squared_error" in frame:  # of numbers, which are not right or wrong
            correct = correct.astype(np.float64) * np.nan
        given = given_statistics(frame).values()
        read = READ | {c for own in given for _, *columns in own.terms for c in columns if c}
        kept = [c for c in frame if c in RUN or c.partition(HALF)[0] in read or c.startswith(FINE)]
        for run, table in frame[kept].assign(correct=correct).groupby(RUN, sort=True):
            runs.append(run)
            tables.append(table.drop(columns=RUN).reset_index(drop=True))
    return runs, tables


def _drawn(
    frames: Iterable[pd.DataFrame],
    statistics: Statistics,
    enough: Mapping[tuple[object, ...], bool],
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The runs of a data set and the draws of all statistics. The tables of texts are freed."""
    runs, tables = by_run(frames)
    study_gaps(tables)
    by_name = dict(zip(runs, tables, strict=True))
    sampled = Sampled(by_name, statistics.bootstrap, statistics.seed, enough)
    given = given_statistics(dict.fromkeys(column for table in tables for column in table))
    draws = {name: sampled.draw(statistic) for name, statistic in given.items()}
    return sampled.runs, sampled.draws(STATISTICS) | draws


def summarise(
    runs: pd.DataFrame, draws: Draws, level: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The statistics of a data set: one column each per run, one row each per cell.

    Args:
        runs, draws: of `Sampled`.
        level: of the intervals of cells.
        seed: of the draws of seeds.
    """
    found = {name: values[0] for name, values in draws.items()}
    wide = runs[RUN].join(pd.DataFrame(found, index=runs.index))
    cells = []
    for cell, part in runs.groupby(GROUP, sort=False):
        key = dict(zip(GROUP, cell, strict=True))
        for name, values in draws.items():
            own = values[:, part.index]
            row = key | {"statistic": name, "seeds": len(part), "estimate": own[0].mean()}
            ends = np.nan, np.nan
            if np.isfinite(own).all():
                ends = interval(mean_of([own], seed, len(part)).draws, level)[1:3]
            cells.append(row | dict(zip(("ci_low", "ci_high"), ends, strict=True)))
    return wide, pd.DataFrame(cells)


def settle(
    texts: Iterable[pd.DataFrame],
    statistics: Statistics,
    training: pd.DataFrame | None = None,
    names: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> dict[str, pd.DataFrame]:
    """Make the tables `claims`, `specifications`, `runs`, `cells`, `variance` and `ranks`.

    Only one data set is held in memory at a time.

    Args:
        texts: tables of texts, each of one or more runs; those of a data set follow each other.
        statistics: the level of intervals and verdicts, and the resamples.
        training: of `training.csv`, which says for each run whether it was trained enough; None if
            all were.
        names: kind of block -> name in the config -> name of the registered block. The contrasts
            are about the registered blocks; their further versions enter the specification curves.

    Raises:
        ValueError: tables of another data set stand between those of one.
        InputError: runs of a data set have different numbers of texts.
    """
    level, seed = statistics.level, statistics.seed
    runs, cells = [], []
    effects: dict[Contrast, dict[str, Effects]] = defaultdict(dict)
    scores: dict[str, dict[str, Scores]] = defaultdict(dict)
    curves = Curves(versions_of(names))
    enough: dict[tuple[object, ...], bool] = {}
    if training is not None:
        of_runs = training[RUN].itertuples(index=False, name=None)
        enough = dict(zip(of_runs, training["trained_enough"], strict=True))
    seen: set[str] = set()
    for dataset, frames in groupby(texts, key=lambda frame: str(frame["dataset"].iloc[0])):
        if dataset in seen:
            raise ValueError(f"the tables of '{dataset}' do not follow each other")
        seen.add(dataset)
        described, draws = _drawn(frames, statistics, enough)
        wide, own = summarise(described, draws, level, seed)
        runs.append(wide)
        cells.append(own)
        draws = {name: draws[name] for name in ASKED}  # the others are not needed any more
        first = first_versions(described, curves.versions)
        own_draws = draws if first.all() else {name: own[:, first] for name, own in draws.items()}
        compared = Comparison(described[first].reset_index(drop=True), own_draws)
        blocks = {kind: list(dict.fromkeys(compared.runs[kind])) for kind in BLOCKS}
        for contrast in CONTRASTS:
            for one in contrast.repeated(blocks):
                effects[one][dataset] = compared.effects(one)
        curves.add(dataset, described, draws)
        for name in RANKED:
            scores[name][dataset] = scores_of(described, draws[name])
    every_run = pd.concat(runs, ignore_index=True)
    specified = curves.table(level, seed)
    return {
        "claims": with_robustness(judge(effects, level, seed), specified),
        "specifications": specified,
        "runs": every_run,
        "cells": pd.concat(cells, ignore_index=True),
        "variance": pd.concat([decompose(every_run, name) for name in RANKED]),
        "ranks": pd.concat([rank_intervals(scores[name], name, level) for name in RANKED]),
    }
