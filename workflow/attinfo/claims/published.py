"""Comparison of published numbers with those of the study; `report.published` names the table."""

from pathlib import Path

import numpy as np
import pandas as pd

from attinfo.claims.run_statistics import STATISTICS
from attinfo.keys import CELL
from attinfo.runtime.errors import InputError
from attinfo.statistics.intervals import t_interval

COLUMNS = [*CELL, "statistic", "published", "source"]


def read_published(path: str | Path) -> pd.DataFrame:
    """Read a CSV of published numbers: one row per cell of trained models and statistic.

    Raises:
        InputError: a column is missing, a value is not a number, or a statistic is unknown.
    """
    try:
        table = pd.read_csv(path)
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(f"{path}: no table with columns ({error})") from None
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise InputError(f"{path}: column '{missing[0]}': found none, expected {COLUMNS}")
    for name in table["statistic"]:
        if name not in STATISTICS:
            raise InputError(f"{path}: statistic '{name}': expected one of {', '.join(STATISTICS)}")
    numbers = pd.to_numeric(table["published"], errors="coerce")
    for value in table["published"][numbers.isna() & table["published"].notna()]:
        raise InputError(f"{path}: published '{value}': expected a number, or nothing")
    return table[COLUMNS].assign(published=numbers)


def beside(published: pd.DataFrame, runs: pd.DataFrame, level: float) -> pd.DataFrame:
    """Compare published numbers with those of the study's trained models.

    A published number usually is of one run, so it is compared with the prediction interval of one
    more run of the study.

    Args:
        published: of `read_published`.
        runs: of `runs.csv`.
        level: of the intervals.

    Returns:
        The published rows whose cell the study has. Added are `ours`, the mean over seeds;
        `ci_low` and `ci_high`, its t interval; `run_low` and `run_high`, the prediction interval;
        `seeds`; and `within`, whether the published number lies in the prediction interval. They
        are NaN with one seed, or where a number is undefined.
    """
    trained = runs[runs["variant"] == "trained"]
    rows = []
    for row in published.to_dict("records"):
        own = trained.loc[(trained[CELL] == [row[name] for name in CELL]).all(axis=1)]
        if len(own):
            values = own[row["statistic"]].dropna().to_numpy()
            rows.append(row | _compared(values, row["published"], level))
    added = ["ours", "ci_low", "ci_high", "run_low", "run_high", "seeds", "within"]
    return pd.DataFrame(rows, columns=[*COLUMNS, *added])


def _compared(values: np.ndarray, published: float, level: float) -> dict[str, object]:
    ours, low, high = t_interval(values, level)
    run = (high - ours) * np.sqrt(len(values) + 1)  # the spread of a mean, and of one run more
    known = np.isfinite(published) and np.isfinite(run)
    return {
        "ours": ours,
        "ci_low": low,
        "ci_high": high,
        "run_low": ours - run,
        "run_high": ours + run,
        "seeds": len(values),
        "within": bool(abs(published - ours) <= run) if known else np.nan,
    }
