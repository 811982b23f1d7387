"""Two or more studies side by side: does a conclusion still hold on other data?

The first study is the reference; each of the others is compared with it. Studies are taken to be
independent. Where they share data sets and seeds their differences vary less than is told.
"""

from collections.abc import Sequence
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attinfo.claims.conclusions import ALL
from attinfo.claims.run_statistics import STATISTICS
from attinfo.figures.style import name_of
from attinfo.runtime.errors import InputError

CONTRAST = ["claim", "role", "contrast", "statistic"]
CELL = ["encoder", "attention", "normaliser", "variant"]
MAIN = ("tau_gain", "information_position", "entropy_ratio", "accuracy")  # compared cell by cell
NUMBERS = ["estimate", "ci_low", "ci_high"]
DECIDED = ("supported", "contradicted", "equivalent")


class Study(NamedTuple):
    """The tables of a finished study that are compared."""

    name: str
    level: float
    claims: pd.DataFrame
    cells: pd.DataFrame


def read_study(folder: str | Path) -> Study:
    """The study in a folder `results/<study>`.

    Raises:
        InputError: there is no finished study.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder, expected one of a study, results/<study>")
    for name in ("study.json", "claims.csv", "cells.csv"):
        if not (folder / name).is_file():
            raise InputError(f"{folder}: has no {name}, expected the folder of a finished study")
    try:
        config = json.loads((folder / "study.json").read_text("utf-8"))
        name, level = str(config["study"]), float(config["statistics"]["level"])
        claims, cells = (pd.read_csv(folder / f"{table}.csv") for table in ("claims", "cells"))
        claims[[*CONTRAST, "dataset", "n", "verdict", *NUMBERS]], cells[[*CELL, *NUMBERS]]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: its tables cannot be read: {error}") from None
    return Study(name, level, claims, cells)


def read_studies(folders: Sequence[str | Path]) -> list[Study]:
    """Several studies, under names that tell them apart.

    Raises:
        InputError: one is no finished study, is named twice, or has intervals of another level.
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
    """`difference`, `difference_low`, `difference_high`, `overlap` of rows of two tables.

    The interval is that of independent estimates, from the interval of each (MOVER, Zou & Donner
    2008); `overlap` tells whether the two intervals have a value in common.
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
    """A row a contrast and study: its effect over all data sets, and how far from the first's."""
    pooled = {s.name: s.claims[s.claims["dataset"] == ALL].set_index(CONTRAST) for s in studies}
    return _beside(pooled, ["n", "verdict", *NUMBERS], CONTRAST)


def compare_cells(studies: Sequence[Study]) -> pd.DataFrame:
    """A row a cell that all studies have, main statistic and study: means over data sets."""
    means = {s.name: _over_data_sets(s.cells) for s in studies}
    shared = set.intersection(*(set(table.index) for table in means.values()))
    kept = {name: table[table.index.isin(shared)] for name, table in means.items()}
    return _beside(kept, ["datasets", *NUMBERS], [*CELL, "statistic"])


def _over_data_sets(cells: pd.DataFrame) -> pd.DataFrame:
    """Means over data sets, with the interval that independent ones have."""
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
    """The rows of several tables by what they are about, each with its distance from the first."""
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
    told = ["difference", "difference_low", "difference_high", "overlap"]
    return found[[*key, "study", *columns, *told]].reset_index(drop=True)


def effect(row: Any) -> str:
    """An effect with its interval."""
    return f"{row['estimate']:+.3f} [{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"


def sentence(reference: dict[str, Any], row: dict[str, Any]) -> str:
    """Whether a conclusion of the reference study still holds in another.

    Args:
        reference, row: of `compare_claims`, of the same contrast.
    """
    here, there = row["study"], reference["study"]
    for one in (reference, row):
        if not one["n"] > 0:
            return f"{one['study']} has no runs to compare."
    was, is_ = reference["verdict"], row["verdict"]
    if was == is_ and was in DECIDED:
        told = f"Still {was} in {here}."
    elif was in DECIDED and is_ in DECIDED:
        told = f"The other way round in {here}: {is_}, {was} in {there}."
    elif was in DECIDED:
        told = f"Open in {here}, {was} in {there}."
    elif is_ in DECIDED:
        told = f"Now {is_} in {here}, open in {there}."
    else:
        told = f"Open in both {there} and {here}."
    ends = f"{row['difference_low']:+.3f}, {row['difference_high']:+.3f}"
    common = "overlap" if row["overlap"] else "do not overlap"
    step = f"{here} − {there}: {row['difference']:+.3f} [{ends}]"
    return f"{told} The intervals {common}; {step}."


def cells_in_words(cells: pd.DataFrame) -> list[str]:
    """A sentence a statistic and study: in how many cells the intervals part, and where most."""
    told = []
    for (statistic, study), own in cells.dropna(subset=["difference"]).groupby(
        ["statistic", "study"], sort=False
    ):
        apart = int((~own["overlap"].astype(bool)).sum())
        most = own.loc[own["difference"].abs().idxmax()]
        cell = ", ".join(name_of(most[block]) for block in CELL)
        told.append(
            f"{STATISTICS[statistic].label}: in {apart} of {len(own)} cells the interval of "
            f"{study} lies apart; largest difference {most['difference']:+.3f} ({cell})."
        )
    return told or ["The studies have no cell in common."]
