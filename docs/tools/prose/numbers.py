"""Keep the numbers in the prose equal to the results. `refresh.py` runs it.

docs/numbers.json holds what this module read from the tables of the default study, from
docs/findings/. `pages.py` fills the pages with it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
import json
from pathlib import Path
from statistics import mean, variance
from typing import Any

from findings.cost import jobs, stages
from findings.numbers import numbers as numbers_of
from findings.tables import rows
from prose.pages import DOCS, ROOT, pages, rendered

from attinfo.blocks.views import VIEWS

NUMBERS = DOCS / "numbers.json"
FINDINGS = DOCS / "findings/paper"  # of `collect_findings.py`
CELL = ("dataset", "encoder", "attention", "normaliser")
SPREAD = {  # what simulated studies vary over seeds: its name there, and the statistic
    "information": "information_position",
    "tau": "tau_gain",
    "rise": "concordance_rise",
    "entropy": "entropy_ratio",
}


def study(folder: Path) -> dict[str, Any]:
    """What the prose says of a finished study, from its tables and benchmark files."""
    claims = [row for row in rows(folder / "claims.csv") if row["dataset"] == "all"]
    runs = rows(folder / "runs.csv")
    made = datetime.fromtimestamp((folder / "report.html").stat().st_mtime, UTC)
    return {
        "date": f"{made.day} {made:%B %Y}",
        "runs": len(runs),
        "seeds": len({row["seed"] for row in runs}),
        "cells": len({tuple(row[key] for key in CELL) for row in runs}),
        "claims": [claim(row, claims) for row in claims if row["role"] == "primary"],
        "parts": [part(row) for row in claims if row["role"] == "co-primary"],
        "training": trained(rows(folder / "training.csv")),
        "spread": {name: spread(runs, statistic) for name, statistic in SPREAD.items()},
        "stages": stages(jobs(folder)),
    }


def trained(models: list[dict[str, str]]) -> dict[str, Any]:
    """How long the trained models were trained, and how many of all runs were trained enough."""
    epochs = [int(row["epochs"]) for row in models if row["variant"] == "trained"]
    kept = [int(row["kept"]) for row in models if row["variant"] == "trained"]
    return {
        "epochs": round(mean(epochs), 1),
        "most": max(epochs),
        "kept": round(mean(kept), 1),
        "enough": sum(row["trained_enough"] == "True" for row in models),
    }


def spread(runs: list[dict[str, str]], statistic: str) -> float:
    """Standard deviation of a statistic over the seeds of a trained cell: root mean square."""
    cells: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for row in runs:
        if row["variant"] == "trained" and row[statistic]:
            cells[tuple(row[key] for key in CELL)].append(float(row[statistic]))
    return round(mean(variance(own) for own in cells.values() if len(own) > 1) ** 0.5, 6)


def part(row: dict[str, str]) -> dict[str, Any]:
    """A co-primary contrast: its effect and verdict."""
    numbers = {name: round(float(row[name]), 6) for name in ("estimate", "ci_low", "ci_high")}
    return {key: row[key] for key in ("claim", "contrast", "about", "verdict")} | numbers


def claim(row: dict[str, str], claims: list[dict[str, str]]) -> dict[str, Any]:
    """A primary contrast: its effect and verdict, and how many further contrasts have which."""
    others = Counter(
        other["verdict"]
        for other in claims
        if other["claim"] == row["claim"] and other["role"] != "primary" and float(other["n"])
    )
    return {
        "claim": row["claim"],
        "contrast": row["contrast"],
        "verdict": row["verdict"],
        "seeds": int(float(row["n"])),
        "others": ", ".join(f"{others[verdict]} {verdict}" for verdict in sorted(others)),
        "robust": round(float(row["robust"]), 4),
        "hangs_on": row["hangs_on"],
        **{name: round(float(row[name]), 6) for name in ("estimate", "ci_low", "ci_high", "mde")},
        "p": round(float(row["p_holm"]), 6),
    }


def markdown_tables(text: str) -> Iterator[dict[str, str]]:
    """Every row of every table of a page."""
    header: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells
        elif set(line) - set("|-: "):
            yield dict(zip(header, cells, strict=False))


def power() -> list[dict[str, str]]:
    """The simulated studies, as `python -m benchmarks.verdicts` wrote them."""
    return rows(DOCS / "findings/verdicts.csv")


def benchmarks() -> dict[str, list[dict[str, str]]]:
    """Rows of docs/findings/benchmarks.md.

    Returns:
        `ratios`: the comparisons that have a target. `accuracy`: the error of each estimator, by
        task. `work`: what the cores did during the default study. `dry_runs`: by number of runs.
    """
    found = list(markdown_tables((DOCS / "findings/benchmarks.md").read_text("utf-8")))
    kept = ("work", "against", "size", "threads", "ratio", "target")
    return {
        "ratios": [{key: row[key] for key in kept} for row in found if row.get("target")],
        "accuracy": [row for row in found if "estimator" in row],
        "work": [{"work": row[""]} | row for row in found if "core seconds" in row],
        "dry_runs": [row for row in found if "seconds of a dry run" in row],
    }


def jain_wallace() -> list[dict[str, Any]]:
    """The models of docs/findings/jain_wallace.csv: theirs and ours, and ours with a change."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows(DOCS / "findings/jain_wallace.csv"):
        names = ("dataset", "encoder", "attention", "change", "seeds")
        model = found.setdefault(
            tuple(row[name] for name in names), {name: row[name] for name in names} | {"causes": []}
        )
        model[row["statistic"]] = {
            name: float(row[name]) if row[name] else None
            for name in ("theirs", "ours", "low", "high")
        }
        if row["cause"]:
            label = row["statistic"].removeprefix("tau_").replace("_", "-")
            model["causes"].append(f"{label}: {row['cause']}")
    return list(found.values())


def audit() -> list[dict[str, Any]]:
    """The views of docs/findings/audit.csv, the `answers.csv` of `studies/audit.yaml`."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows(DOCS / "findings/audit.csv"):
        removal, random, best = (float(row[f"removal{n}"]) for n in ("", "_random", "_best"))
        view = found.setdefault(
            row["view"],
            {
                "view": VIEWS[row["view"]].label,
                "quoted": row["quoted"] == "True",
                "verdict": row["verdict"],
                "tau": [round(float(row[n]), 4) for n in ("tau", "tau_low", "tau_high")],
                "removal": [round(value, 4) for value in (removal, random, best)],
                "texts": int(row["removal_texts"]),
                "reached": round((removal - random) / (best - random), 6),
                "rules": {},
            },
        )
        view["rules"][row["rule_rule"]] = row["rule_outcome"]
    return list(found.values())


def findings() -> dict[str, Any] | None:
    """The study of several data sets; None until it was collected."""
    return numbers_of(FINDINGS) if FINDINGS.is_dir() else None


def write(folder: str | None = None) -> None:
    """Read the numbers, write them, and write the prose."""
    numbers = json.loads(NUMBERS.read_text("utf-8")) if NUMBERS.exists() else {}
    if folder:
        numbers["study"] = study(Path(folder))
    numbers.pop("ratios", None)
    numbers |= {"power": power(), "benchmarks": benchmarks()}
    numbers |= {"jain_wallace": jain_wallace(), "audit": audit()}
    numbers |= {"findings": findings()}
    NUMBERS.write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for path in pages():
        text = rendered(path, numbers)
        if text != path.read_text("utf-8"):
            path.write_text(text, "utf-8")
            print(path.relative_to(ROOT))
