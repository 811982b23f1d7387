"""What the figures are drawn from: the tables of a study."""

import json
from math import log
from pathlib import Path
from typing import NamedTuple, Self

import pandas as pd

from attinfo.blocks.normalisers import NORMALISERS, parse_normaliser
from attinfo.runtime.errors import InputError, unknown
from attinfo.statistics.intervals import t_interval

CSV = ("claims", "cells", "runs", "calibration", "variance", "ranks")
CELL = ["dataset", "encoder", "attention", "normaliser"]
NUMBERS = ["seeds", "estimate", "ci_low", "ci_high"]
PARQUET = ("information", "distributions")


class Tables(NamedTuple):
    """The tables of a study, and the level of its intervals."""

    claims: pd.DataFrame
    cells: pd.DataFrame
    runs: pd.DataFrame
    calibration: pd.DataFrame
    variance: pd.DataFrame
    ranks: pd.DataFrame
    information: pd.DataFrame
    distributions: pd.DataFrame
    level: float = 0.95

    def of(self, dataset: str) -> Self:
        """The tables of one data set; those that are about all of them stay as they are.

        Raises:
            InputError: the study has no data set of that name.
        """
        names = list(dict.fromkeys(self.runs["dataset"]))
        if dataset not in names:
            raise InputError(unknown("data set", dataset, names))
        own = {
            name: table[table["dataset"] == dataset].reset_index(drop=True)
            for name, table in self._asdict().items()
            if name not in ("claims", "variance", "level")
        }
        return self._replace(**own)

    @property
    def interval(self) -> str:
        """How intervals are called."""
        return f"{self.level:.0%} interval"


def read_tables(folder: str | Path) -> Tables:
    """The tables in the folder of a finished study, `results/<study>`.

    Raises:
        InputError: the folder holds no finished study.
    """
    folder = Path(folder)
    files = {name: folder / f"{name}.csv" for name in CSV}
    files |= {name: folder / f"{name}.parquet" for name in PARQUET}
    for path in (*files.values(), folder / "study.json"):
        if not path.is_file():
            raise InputError(
                f"{folder}: has no {path.name}, expected the folder of a finished study"
            )
    return tables_from(files, json.loads((folder / "study.json").read_text("utf-8")))


def tables_from(files: dict[str, Path], study: dict) -> Tables:
    """The tables in the files named, of the study that `study.json` tells of."""
    tables = {name: pd.read_csv(files[name]) for name in CSV}
    tables |= {name: pd.read_parquet(files[name]) for name in PARQUET}
    tables = {name: _plain_first(table) for name, table in tables.items()}
    return Tables(**tables, level=study["statistics"]["level"])


def _plain_first(table: pd.DataFrame) -> pd.DataFrame:
    """The rows by normaliser, as the registry has them; temperature one before others.

    A figure of one normaliser takes the first, which is softmax where the study has it.
    """
    if "normaliser" not in table:
        return table
    known = list(NORMALISERS)

    def place(name: str) -> tuple[int, float]:
        kind, temperature = parse_normaliser(name)
        return known.index(kind) if kind in known else len(known), abs(log(temperature))

    order = sorted(table["normaliser"].unique(), key=place)
    rank = table["normaliser"].map({name: i for i, name in enumerate(order)})
    return table.iloc[rank.argsort(kind="stable")].reset_index(drop=True)


def trained(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of trained models."""
    return table[table["variant"] == "trained"]


def over_seeds(rows: pd.DataFrame, key: list[str], level: float) -> pd.DataFrame:
    """The mean of `value` over the seeds of each group, with its t interval."""
    means = []
    for group, own in rows.groupby(key, sort=False):
        values = own["value"].dropna().to_numpy()
        estimate, low, high = t_interval(values, level)
        numbers = {"seeds": len(values), "estimate": estimate, "ci_low": low, "ci_high": high}
        means.append(dict(zip(key, group, strict=True)) | numbers)
    return pd.DataFrame(means)
