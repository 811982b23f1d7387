"""The tables of the page on data, cost and provenance."""

from collections import Counter
from collections.abc import Iterable, Mapping
import json
from pathlib import Path
from typing import Any

import pandas as pd

from attinfo.report.tables.base import Table
from attinfo.runtime.cost import Cost


def data_table(summaries: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row per data set and split: texts, tokens, classes."""
    frame = pd.DataFrame(
        [
            {
                "data set": name,
                "split": split,
                "texts": s["texts"],
                "tokens": s["tokens"],
                "median tokens": s["median_tokens"],
                "texts per class": ", ".join(
                    f"{c} {n}" for c, n in zip(summary["classes"], s["class_counts"], strict=True)
                ),
                "unknown words": s["unknown_share"],
                "cut texts": s["truncated_share"],
                "tokens lost": s["truncated_tokens_share"],
                "also in training": summary["duplicates"].get(f"train_{split}", ""),
            }
            for name, summary in summaries.items()
            for split, s in summary["splits"].items()
        ]
    )
    shares = ("unknown words", "cut texts", "tokens lost")
    return Table("data-table", "Texts", frame, dict.fromkeys(shares, ".1%"))


def cost_table(costs: Iterable[Cost]) -> Table:
    """One row per stage: its jobs, their time and memory."""
    frame = pd.DataFrame(
        [(c.rule, c.jobs, c.seconds / 60, c.longest, c.memory) for c in costs],
        columns=["stage", "jobs", "minutes in all", "longest job, s", "largest memory, MB"],
    )
    return Table(
        "cost-table",
        "Time and memory of each stage",
        frame,
        {"minutes in all": ".2f", "longest job, s": ".1f", "largest memory, MB": ".0f"},
        note="From the benchmark files of the jobs. The times of jobs that ran in parallel are "
        "added up. Data are prepared once for all studies. The job that writes this page is not "
        "included.",
    )


def provenance_table(records: Iterable[str | Path]) -> Table:
    """One row per fact in the `run.json` of the models, with the number of models it holds for."""
    counts: Counter[tuple[str, str]] = Counter()
    for path in records:
        run = json.loads(Path(path).read_text("utf-8"))
        facts = {
            "code of training, sha256": run["code_sha256"],
            "commit": run["commit"] or "not in a git repository",
            "Python": run["python"],
            "machine": run["machine"],
            "device": run.get("device", ""),
        } | run["versions"]
        counts.update(facts.items())
    frame = pd.DataFrame(
        [(what, value, models) for (what, value), models in counts.items()],
        columns=["what", "value", "models"],
    )
    frame = frame.sort_values("what", key=lambda c: c.map(list(dict.fromkeys(c)).index))
    return Table("provenance-table", "Made with", frame[frame["value"] != ""])
