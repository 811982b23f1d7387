"""Two or more studies side by side: does a conclusion hold on other data?

The first study is the reference, and each other study is compared with it. Studies are taken to be
independent. If they share data sets and seeds, their differences vary less than the intervals say.
"""

from collections.abc import Sequence
import json
from lzma import LZMAError
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attinfo.claims.run_statistics import MAIN, STATISTICS
from attinfo.keys import ALL, BLOCKS, GROUP
from attinfo.labels import label_of
from attinfo.runtime.errors import InputError

CONTRAST = ["claim", "role", "contrast", "statistic"]
CELL = [*BLOCKS, "variant"]  # of any data set
NUMBERS = ["estimate", "ci_low", "ci_high"]
DECIDED = ("supported", "contradicted", "equivalent")
KEYS = {  # table: the columns that name its rows, and the other columns that are read
    "claims": ([*CONTRAST, "dataset"], ["n", "datasets", "verdict", *NUMBERS]),
    "cells": ([*GROUP, "statistic"], NUMBERS),
}


class Study(NamedTuple):
    """The tables of a finished study, and the level of its intervals."""

    name: str
    level: float
    claims: pd.DataFrame
    cells: pd.DataFrame


def read_study(folder: str | Path) -> Study:
    """Read the study in a folder `results/<study>`, or in one of docs/findings/.

    Raises:
        InputError: the folder holds no finished study, or a table of it cannot be used.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder, expected one of a study, results/<study>")
    if not (folder / "study.json").is_file():
        raise InputError(f"{folder}: has no study.json, expected the folder of a finished study")
    paths = {table: table_of(folder, table) for table in KEYS}
    try:
        config = json.loads((folder / "study.json").read_text("utf-8"))
        name, level = str(config["study"]), float(config["statistics"]["level"])
    except (ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{folder / 'study.json'}: cannot be read: {reason}") from None
    return Study(name, level, *(_read_table(path, *KEYS[table]) for table, path in paths.items()))


def table_of(folder: Path, name: str) -> Path:
    """The file of a table of a study: `<name>.csv`, or the same compressed by xz.

    Raises:
        InputError: the folder has neither.
    """
    for path in (folder / f"{name}.csv", folder / f"{name}.csv.xz"):
        if path.is_file():
            return path
    raise InputError(f"{folder}: has no {name}.csv, expected the folder of a finished study")


def _read_table(path: Path, key: list[str], others: list[str]) -> pd.DataFrame:
    """Read one of the tables in `KEYS`.

    Args:
        path: of the table.
        key: the columns that name its rows.
        others: further columns that it must have.

    Raises:
        InputError: it is no table, lacks a column, has no rows, or has two rows of one name.
    """
    try:
        table = pd.read_csv(path)
    except (ValueError, LZMAError, EOFError) as error:  # also of letters that are not UTF-8
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as a table: {reason}") from None
    missing = [name for name in (*key, *others) if name not in table]
    if missing:
        raise InputError(f"{path}: has no column '{missing[0]}', expected one as in a study")
    if table.empty:
        raise InputError(f"{path}: has no rows, expected the table of a finished study")
    for name in NUMBERS:
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise InputError(f"{path}: column '{name}' has values that are not numbers")
    twice = table[table.duplicated(key)]
    if len(twice):
        row = ", ".join(f"{name} '{twice.iloc[0][name]}'" for name in key)
        raise InputError(f"{path}: line {twice.index[0] + 2} is a second row of {row}")
    return table


def read_studies(folders: Sequence[str | Path]) -> list[Study]:
    """Read several studies. Studies of the same name are named by their folders.

    Raises:
        InputError: a folder holds no finished study or is given twice, or the studies have
            intervals of different levels.
    """
    if len(folders) < 2:
        raise InputError(f"found {len(folders)} folder, expected two or more")
    places = [Path(folder).resolve() for folder in folders]
    for i, place in enumerate(places):
        if place in places[:i]:
            raise InputError(f"{folders[i]}: is named twice")
    studies = [read_study(folder) for folder in folders]
    for folder, study in zip(folders, studies, strict=True):
        if study.level != studies[0].level:
            raise InputError(
                f"{folder}: has intervals of level {study.level:g}, expected "
                f"{studies[0].level:g} as in {folders[0]}: one statistics.level for both"
            )
    names = [study.name for study in studies]
    return [
        study._replace(name=str(folder)) if names.count(study.name) > 1 else study
        for folder, study in zip(folders, studies, strict=True)
    ]


def difference(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Subtract the estimates of the second table from those of the first, row by row.

    Args:
        one, other: tables of the same index, with `estimate`, `ci_low`, `ci_high`.

    Returns:
        `difference`; `difference_low` and `difference_high`, its interval for independent
        estimates (MOVER, Zou & Donner 2008); `overlap`, whether the two intervals have a value in
        common, None where one is not known.
    """
    step = one["estimate"] - other["estimate"]
    down = np.hypot(one["estimate"] - one["ci_low"], other["ci_high"] - other["estimate"])
    up = np.hypot(one["ci_high"] - one["estimate"], other["estimate"] - other["ci_low"])
    known = pd.concat([one[NUMBERS], other[NUMBERS]], axis=1).notna().all(axis=1)
    common = (one["ci_low"] <= other["ci_high"]) & (other["ci_low"] <= one["ci_high"])
    return pd.DataFrame(
        {
            "difference": step,
            "difference_low": step - down,
            "difference_high": step + up,
            "overlap": common.astype(object).where(known, None),
        }
    )


def compare_claims(studies: Sequence[Study]) -> pd.DataFrame:
    """Compare the effects over all data sets: one row per contrast and study.

    Args:
        studies: the first is the reference.

    Returns:
        `CONTRAST`, `study`, `n`, `datasets`, `verdict`, `NUMBERS`, and the columns of `difference`
        from the reference.
    """
    pooled = {s.name: s.claims[s.claims["dataset"] == ALL].set_index(CONTRAST) for s in studies}
    return _beside(pooled, ["n", "datasets", "verdict", *NUMBERS], CONTRAST)


def compare_cells(studies: Sequence[Study]) -> pd.DataFrame:
    """Compare the main statistics of the cells that all studies have, as means over data sets.

    Returns:
        One row per cell, statistic and study: `CELL`, `statistic`, `study`, `datasets`, `NUMBERS`,
        and the columns of `difference` from the first study.
    """
    means = {s.name: _over_data_sets(s.cells) for s in studies}
    shared = set.intersection(*(set(table.index) for table in means.values()))
    kept = {name: table[table.index.isin(shared)] for name, table in means.items()}
    return _beside(kept, ["datasets", *NUMBERS], [*CELL, "statistic"])


def _over_data_sets(cells: pd.DataFrame) -> pd.DataFrame:
    """Means over data sets, with the interval of a mean of independent estimates."""
    own = cells[cells["statistic"].isin(MAIN)].dropna(subset=["estimate"])
    own = own.assign(
        below=(own["estimate"] - own["ci_low"]) ** 2, above=(own["ci_high"] - own["estimate"]) ** 2
    )
    means = own.groupby([*CELL, "statistic"], sort=False).agg(
        datasets=("dataset", "nunique"),
        estimate=("estimate", "mean"),
        below=("below", "sum"),
        above=("above", "sum"),
    )
    return means.assign(
        ci_low=means["estimate"] - np.sqrt(means["below"]) / means["datasets"],
        ci_high=means["estimate"] + np.sqrt(means["above"]) / means["datasets"],
    ).drop(columns=["below", "above"])


def _beside(tables: dict[str, pd.DataFrame], columns: list[str], key: list[str]) -> pd.DataFrame:
    """Interleave the rows of several tables, each with its difference from the first table."""
    order = pd.concat([table.iloc[:, :0] for table in tables.values()])
    order = order[~order.index.duplicated()].index
    reference = next(iter(tables.values())).reindex(order)
    parts = []
    for place, (name, table) in enumerate(tables.items()):
        own = table.reindex(order)[columns].assign(study=name, place=range(len(order)))
        if place:
            own = own.join(difference(own, reference))
        parts.append(own.reset_index())
    found = pd.concat(parts).sort_values("place", kind="stable").drop(columns="place")
    compared = ["difference", "difference_low", "difference_high", "overlap"]
    return found[[*key, "study", *columns, *compared]].reset_index(drop=True)


def effect(row: Any) -> str:
    """An effect with its interval: `+0.310 [+0.250, +0.370]`."""
    return f"{row['estimate']:+.3f} [{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"


def sentence(reference: dict[str, Any], row: dict[str, Any]) -> str:
    """Say whether a conclusion of the reference study holds in another study.

    Args:
        reference, row: of `compare_claims`, of the same contrast.
    """
    here, there = row["study"], reference["study"]
    for one in (reference, row):
        if not one["n"] > 0:
            return f"{one['study']} has no runs to compare."
    was, is_ = reference["verdict"], row["verdict"]
    if was == is_ and was in DECIDED:
        outcome = f"Still {was} in {here}."
    elif was in DECIDED and is_ in DECIDED:
        outcome = f"The other way round in {here}: {is_}, {was} in {there}."
    elif was in DECIDED:
        outcome = f"Undetermined in {here}, {was} in {there}."
    elif is_ in DECIDED:
        outcome = f"Now {is_} in {here}, undetermined in {there}."
    else:
        outcome = f"Undetermined in both {there} and {here}."
    ends = f"{row['difference_low']:+.3f}, {row['difference_high']:+.3f}"
    common = "overlap" if row["overlap"] else "do not overlap"
    step = f"{here} − {there}: {row['difference']:+.3f} [{ends}]"
    return f"{outcome} The intervals {common}; {step}."


def cells_in_words(cells: pd.DataFrame) -> list[str]:
    """Summarise `compare_cells`: one sentence per statistic and study."""
    sentences = []
    for (statistic, study), own in cells.dropna(subset=["difference"]).groupby(
        ["statistic", "study"], sort=False
    ):
        apart = int((~own["overlap"].astype(bool)).sum())
        most = own.loc[own["difference"].abs().idxmax()]
        cell = ", ".join(label_of(most[block]) for block in CELL)
        sentences.append(
            f"{STATISTICS[statistic].label}: in {apart} of {len(own)} cells the interval of "
            f"{study} does not overlap; largest difference {most['difference']:+.3f} ({cell})."
        )
    return sentences or ["The studies have no cell in common."]
