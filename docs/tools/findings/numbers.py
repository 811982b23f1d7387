"""The numbers of docs/findings.md, from the tables of a collected study alone.

Each number is the value of a column, or a mean over data sets of values of a column. `numbers`
gives them all; each function names the table that it reads.
"""

from collections.abc import Iterator, Sequence
import json
from math import exp, log
from pathlib import Path
from typing import Any

import pandas as pd

from attinfo.agreement.gaps import ABSOLUTE_EDGES, GAP_BINS
from attinfo.claims.across_data_sets import PROPERTIES
from attinfo.claims.across_studies import table_of
from attinfo.keys import ALL, BLOCKS
from attinfo.labels import label_of, minus
from attinfo.statistics.intervals import t_interval

DIGITS = 6
SHARES = (0.6, 0.7, 0.8)  # of pairs in the order of information, whose gap is asked for
# Of each building block: statistics of cells.csv.
STATISTICS = ("tau_gain", "information_position", "entropy_ratio", "accuracy")
CHANGED = (*STATISTICS, "concordance_rise")  # by another version of a block


def numbers(folder: Path) -> dict[str, Any]:
    """All numbers of a collected study."""
    study = json.loads((folder / "study.json").read_text("utf-8"))
    level = float(study["statistics"]["level"])
    registered = study.get("names", {})
    cells = _read(folder, "cells")
    own = cells[cells["variant"] == "trained"]
    plain = own[(own["normaliser"] == "softmax") & is_registered(own, registered)]
    run = json.loads((folder / "run.json").read_text("utf-8"))
    return {
        "study": study["study"],
        "level": level,
        "design": design(_read(folder, "runs")),
        "conclusions": conclusions(*(_read(folder, n) for n in ("claims", "across", "moderators"))),
        "gaps": {
            "all": gaps(plain, level),
            "blocks": [
                {"encoder": encoder, "attention": attention} | gaps(part, level)
                for (encoder, attention), part in plain.groupby(BLOCKS[:2], sort=False)
            ],
        },
        "blocks": blocks(own, level),
        "versions": list(versions(own, registered, level)),
        "training": training(_read(folder, "training")),
        "page": (folder / "report.html").is_file(),
        "captions": {
            path.stem: minus(path.read_text("utf-8").strip())
            for path in sorted((folder / "figures").glob("*.rst"))
        },
        "run": {key: value for key, value in run.items() if key != "left_out"},
    }


def _read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(table_of(folder, name))


def _rounded(value: Any) -> float | None:
    """A number as it is kept; None where it is not known."""
    return None if pd.isna(value) else round(float(value), DIGITS)


def is_registered(cells: pd.DataFrame, registered: dict[str, dict[str, str]]) -> "pd.Series[bool]":
    """Whether a cell has no further version of a block, such as another initial scale.

    Args:
        cells: one row each.
        registered: kind of block -> name in the config -> name of the registered block, as in
            `study.json`.
    """
    kept = pd.Series(True, index=cells.index)
    for kind, names in registered.items():
        kept &= cells[kind].isin([name for name, block in names.items() if name == block])
    return kept


def over_data_sets(values: "pd.Series[float]", level: float) -> dict[str, Any]:
    """Mean over data sets with its t interval; data sets without a value are left out.

    Args:
        values: one for each data set.
        level: of the interval, which is for the mean of data sets like these.
    """
    known = values.dropna().to_numpy()
    ends = dict(zip(("estimate", "ci_low", "ci_high"), t_interval(known, level), strict=True))
    return {"data_sets": len(known)} | {name: _rounded(value) for name, value in ends.items()}


def design(runs: pd.DataFrame) -> dict[str, Any]:
    """What was run, from runs.csv."""
    return {
        "runs": len(runs),
        "seeds": int(runs["seed"].nunique()),
        "cells": len(runs[["dataset", *BLOCKS]].drop_duplicates()),
        "datasets": [
            {"dataset": name, "label": label_of(str(name)), "runs": len(own)}
            for name, own in runs.groupby("dataset", sort=False)
        ],
        **{f"{kind}s": list(dict.fromkeys(runs[kind])) for kind in (*BLOCKS, "variant")},
    }


def conclusions(
    claims: pd.DataFrame, across: pd.DataFrame, moderators: pd.DataFrame
) -> list[dict[str, Any]]:
    """The primary contrast of each conclusion, over all data sets and on each of them."""
    primary = claims[claims["role"] == "primary"]
    means = across[across["role"] == "primary"].set_index("claim")
    found = []
    for claim, own in primary.groupby("claim", sort=False):
        (row,) = own[own["dataset"] == ALL].to_dict("records")
        each = own[(own["dataset"] != ALL) & own["estimate"].notna()]
        each = each.sort_values("estimate", ascending=False, kind="stable")
        same = int((each["estimate"] * row["estimate"] > 0).sum())
        found.append(
            {
                "claim": claim,
                "contrast": row["contrast"],
                "statistic": row["statistic"],
                "verdict": row["verdict"],
                "replicates": int(row["n"]),  # seeds of all data sets
                **{n: _rounded(row[n]) for n in ("estimate", "ci_low", "ci_high", "mde")},
                "p": _rounded(row["p_holm"]),
                "robust": _rounded(row["robust"]),
                "hangs_on": "" if pd.isna(row["hangs_on"]) else str(row["hangs_on"]),
                "data_sets": len(each),
                "same_sign": same,
                "same_sign_share": _rounded(same / len(each)) if len(each) else None,
                "each": [_of_data_set(one) for one in each.to_dict("records")],
                "across": _across(means.loc[claim]) if claim in means.index else None,
                "moderator": _strongest(moderators[moderators["claim"] == claim]),
            }
        )
    return found


def _of_data_set(row: dict[Any, Any]) -> dict[str, Any]:
    ends = {name: _rounded(row[name]) for name in ("estimate", "ci_low", "ci_high")}
    of = {"dataset": row["dataset"], "label": label_of(row["dataset"]), "verdict": row["verdict"]}
    return of | ends | {"p": _rounded(row["p_bh"])}


def _across(row: "pd.Series[Any]") -> dict[str, Any]:
    """The random-effects mean, and the interval of the effect on a new data set."""
    names = ("estimate", "ci_low", "ci_high", "p", "new_low", "new_high", "tau", "i2")
    counts = {name: int(row[name]) for name in ("data_sets", "positive")}
    return counts | {name: _rounded(row[name]) for name in names}


def _strongest(own: pd.DataFrame) -> dict[str, Any] | None:
    """The property of data sets that the primary effect goes with most; the first of equals."""
    own = own[own["role"] == "primary"].dropna(subset=["rho"])
    if own.empty:
        return None
    row = own.loc[own["rho"].abs().idxmax()]
    words = {"property": row["property"], "label": PROPERTIES.get(row["property"], row["property"])}
    return words | {name: _rounded(row[name]) for name in ("rho", "p", "p_bh")}


def gaps(cells: pd.DataFrame, level: float) -> dict[str, Any]:
    """How often the larger of two weights goes with more information, by the gap between them.

    Args:
        cells: of cells.csv; each data set has the mean over its cells.
        level: of the intervals over data sets.

    Returns:
        `bins`: the share of pairs in the order of information (`concordance_absolute_<b>`) whose
        gap lies between two edges. `reached`: for each of `SHARES` the gap from which on it holds,
        by data set, in `gap_study_<b>` and `concordance_study_<b>`: from the last bin below it, by
        linear interpolation in the logarithm of the gap; None where the largest gaps are below it.
    """
    wide = cells.pivot_table("estimate", "dataset", "statistic", "mean", sort=False)
    edges = (0.0, *ABSOLUTE_EDGES, 1.0)
    bins = [
        {"from": edges[b], "to": edges[b + 1]} | over_data_sets(wide[name], level)
        for b in range(len(edges) - 1)
        if (name := f"concordance_absolute_{b}") in wide
    ]
    reached = []
    for share in SHARES:
        own = {
            str(dataset): gap_that_reaches(share, *_curve(row)) for dataset, row in wide.iterrows()
        }
        known = sorted(gap for gap in own.values() if gap is not None)
        reached.append(
            {
                "share": share,
                "data_sets": len(own),
                "reach": len(known),
                "least": known[0] if known else None,
                "median": _rounded(pd.Series(known).median()) if known else None,
                "most": known[-1] if known else None,
                "each": own,
            }
        )
    return {"bins": bins, "reached": reached}


def _curve(row: "pd.Series[float]") -> tuple[list[float], list[float]]:
    """Mean gaps and shares of the deciles of a data set that have pairs."""
    points = [
        (row.get(f"gap_study_{b}"), row.get(f"concordance_study_{b}")) for b in range(GAP_BINS)
    ]
    known = [(gap, share) for gap, share in points if pd.notna(gap) and pd.notna(share) and gap > 0]
    return [gap for gap, _ in known], [share for _, share in known]


def gap_that_reaches(share: float, gaps: Sequence[float], shares: Sequence[float]) -> float | None:
    """The gap from which on at least this share of pairs is in order; None if there is none.

    Args:
        share: of pairs.
        gaps: of the bins, ascending.
        shares: of pairs in order, in each bin.
    """
    below = [i for i, own in enumerate(shares) if own < share]
    if not shares or shares[-1] < share:
        return None
    if not below:
        return _rounded(gaps[0])
    i = below[-1]
    part = (share - shares[i]) / (shares[i + 1] - shares[i])
    return _rounded(exp(log(gaps[i]) + part * (log(gaps[i + 1]) - log(gaps[i]))))


def blocks(cells: pd.DataFrame, level: float) -> list[dict[str, Any]]:
    """Each statistic of each combination of blocks, mean over data sets, from cells.csv."""
    own = cells[cells["statistic"].isin(STATISTICS)]
    found = []
    for key, part in own.groupby(BLOCKS, sort=False):
        each = {
            name: one.set_index("dataset")["estimate"] for name, one in part.groupby("statistic")
        }
        found.append(
            dict(zip(BLOCKS, key, strict=True))
            | {name: over_data_sets(each[name], level) for name in STATISTICS if name in each}
        )
    return found


def versions(
    cells: pd.DataFrame, registered: dict[str, dict[str, str]], level: float
) -> Iterator[dict[str, Any]]:
    """What another version of a block changes: the registered block minus it, from cells.csv.

    Cells are paired by data set and the other blocks, and averaged over the pairs of a data set.
    """
    wanted = cells[cells["statistic"].isin(CHANGED)]
    for kind, names in registered.items():
        for name, block in names.items():
            key = ["statistic", "dataset", *(one for one in BLOCKS if one != kind)]
            one, other = (wanted[wanted[kind] == own] for own in (block, name))
            if name == block or one.empty or other.empty:
                continue
            step = one.set_index(key)["estimate"] - other.set_index(key)["estimate"]
            means = step.dropna().groupby(["statistic", "dataset"], sort=False).mean()
            yield {
                "kind": kind,
                "block": block,
                "version": name,
                **{
                    statistic: over_data_sets(own, level) | {"positive": int((own > 0).sum())}
                    for statistic, own in means.groupby("statistic")
                },
            }


def training(models: pd.DataFrame) -> dict[str, Any]:
    """How many runs were trained enough, by data set and by variant, from training.csv."""
    enough = models["trained_enough"].astype(str) == "True"
    own = models.assign(enough=enough)
    return {
        "runs": len(own),
        "enough": int(enough.sum()),
        "epochs": _rounded(own[own["variant"] == "trained"]["epochs"].mean()),
        **{
            kind: [
                {kind: name, "runs": len(part), "enough": int(part["enough"].sum())}
                for name, part in own.groupby(kind, sort=False)
            ]
            for kind in ("dataset", "variant")
        },
    }
