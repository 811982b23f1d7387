"""The tables of a study that its figures are drawn from."""

from collections.abc import Iterable
import json
from math import log
from pathlib import Path
from typing import Any, NamedTuple, Self

import pandas as pd

from attinfo.blocks.normalisers import NORMALISERS, parse_normaliser
from attinfo.figures.style import Look, looks
from attinfo.runtime.errors import InputError, unknown
from attinfo.statistics.intervals import t_interval

CSV = (
    *("claims", "specifications", "across", "moderators", "cells", "runs"),
    *("calibration", "variance", "ranks", "learning"),
)
NUMBERS = ["seeds", "estimate", "ci_low", "ci_high"]
# Of the whole study, not of one data set.
WHOLE = ("claims", "specifications", "across", "moderators", "variance", "level", "scorers")
PARQUET = ("information", "distributions")


class Tables(NamedTuple):
    """The tables of a study, and the level of its intervals."""

    claims: pd.DataFrame
    specifications: pd.DataFrame
    across: pd.DataFrame
    moderators: pd.DataFrame
    cells: pd.DataFrame
    runs: pd.DataFrame
    calibration: pd.DataFrame
    variance: pd.DataFrame
    ranks: pd.DataFrame
    learning: pd.DataFrame
    information: pd.DataFrame
    distributions: pd.DataFrame
    level: float = 0.95
    scorers: tuple[str, ...] = ()  # of the whole study, which fix the colours

    def of(self, dataset: str) -> Self:
        """The tables of one data set; those that are about all data sets stay as they are.

        Raises:
            InputError: the study has no data set of that name.
        """
        names = list(dict.fromkeys(self.runs["dataset"]))
        if dataset not in names:
            raise InputError(unknown("data set", dataset, names))
        own: dict[str, Any] = {
            name: table[table["dataset"] == dataset].reset_index(drop=True)
            for name, table in self._asdict().items()
            if name not in WHOLE
        }
        return self._replace(**own, scorers=self._scorers)

    def looks(self, names: Iterable[str]) -> dict[str, Look]:
        """Colour and shape of scorers, the same in every figure of the study."""
        return looks(names, self._scorers)

    @property
    def _scorers(self) -> tuple[str, ...]:
        return self.scorers or tuple(dict.fromkeys(self.runs["attention"]))

    @property
    def interval(self) -> str:
        """What captions call an interval, such as "95% interval"."""
        return f"{self.level:.0%} interval"


def read_tables(folder: str | Path) -> Tables:
    """Read the tables in the folder of a finished study, `results/<study>`.

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


def tables_from(files: dict[str, Path], study: dict[str, Any]) -> Tables:
    """Read the tables of a study.

    Args:
        files: the path of each table, by the names in `CSV` and `PARQUET`.
        study: the content of `study.json`.
    """
    tables = {name: pd.read_csv(files[name]) for name in CSV}
    tables |= {name: pd.read_parquet(files[name]) for name in PARQUET}
    tables = {name: _plain_first(table) for name, table in tables.items()}
    scorers = tuple(dict.fromkeys(tables["runs"]["attention"]))
    return Tables(**tables, level=study["statistics"]["level"], scorers=scorers)


def _plain_first(table: pd.DataFrame) -> pd.DataFrame:
    """Sort by normaliser: in the order of the registry, the temperature nearest one first.

    A figure of one normaliser takes the first, which is softmax if the study has it.
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
    """Average `value` over the seeds of each group, with its t interval.

    Returns:
        One row per group: `key`, `seeds`, `estimate`, `ci_low`, `ci_high`.
    """
    means = []
    for group, own in rows.groupby(key, sort=False):
        values = own["value"].dropna().to_numpy()
        estimate, low, high = t_interval(values, level)
        numbers = {"seeds": len(values), "estimate": estimate, "ci_low": low, "ci_high": high}
        means.append(dict(zip(key, group, strict=True)) | numbers)
    return pd.DataFrame(means)
