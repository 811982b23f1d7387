"""The folder of a finished study of several data sets that was never run, in a clone of its own."""

from dataclasses import dataclass
import json
from pathlib import Path
import platform
import shutil

from figure_tables import simulated, write_study
import numpy as np
import pandas as pd
from project import ROOT
import yaml

from attinfo.agreement.gaps import GAP_BINS
from attinfo.figures.catalogue import FIGURES
from attinfo.keys import RUN

DATASETS = ("rotten_tomatoes", "imdb", "trec", "sms_spam", "tweets")
ENCODERS = ("bilstm", "mlp", "bilstm_random")
ATTENTIONS = ("additive", "scaled_dot", "scaled_dot_small")
NORMALISERS = ("softmax", "gumbel_softmax@0.5")
VARIANTS = ("frozen_scorer",)
NAMES = {
    "encoder": {"bilstm": "bilstm", "mlp": "mlp", "bilstm_random": "bilstm"},
    "attention": {
        "additive": "additive",
        "scaled_dot": "scaled_dot",
        "scaled_dot_small": "scaled_dot",
    },
}
CONFIG = {
    "study": "several",
    "seeds": [1, 2],
    "encoders": {"bilstm_random": {"name": "bilstm"}},
    "grid": [
        {
            "dataset": list(DATASETS),
            "encoder": list(ENCODERS),
            "attention": list(ATTENTIONS),
            "normaliser": list(NORMALISERS),
        },
        {
            "dataset": list(DATASETS),
            "encoder": "bilstm",
            "attention": list(ATTENTIONS),
            "normaliser": "softmax",
            "variant": list(VARIANTS),
        },
    ],
}
COMMIT = "0123456789" * 4
# Stage, data set ("" for a job of the whole study), seconds, megabytes.
JOBS = [
    *(("train", name, 10.0 + i, 500.0) for i, name in enumerate(DATASETS)),
    ("information", "imdb", 100.0, 2400.0),
    ("claims", "", 7.5, 900.0),
]


@dataclass
class Finished:
    """A finished study: its folder, and the tables in it as they were written."""

    folder: Path
    runs: pd.DataFrame
    cells: pd.DataFrame
    claims: pd.DataFrame


def finished_study(clone: Path) -> Finished:
    """Write a finished study into `results/several` of a folder that looks like a clone."""
    tables = simulated(DATASETS, ENCODERS, ATTENTIONS, NORMALISERS, VARIANTS, seeds=2, random=6)
    cells = _with_curves(tables.cells)
    claims = tables.claims.assign(
        mde=0.1, robust=0.75, hangs_on=None, p=0.01, about="", reason="It is simulated."
    )
    claims.loc[claims["claim"] == "iii", "hangs_on"] = "index: rank"
    folder = write_study(
        clone / "results/several", tables._replace(cells=cells, claims=claims), "several"
    )
    study = {"study": "several", "statistics": {"level": 0.95}, "names": NAMES}
    (folder / "study.json").write_text(json.dumps(study), "utf-8")
    training = tables.runs[RUN].assign(epochs=9, kept=4, trained_enough=tables.runs["seed"] == 1)
    training.to_csv(folder / "training.csv", index=False)
    _agreement(tables.runs).to_csv(folder / "agreement.csv", index=False)
    (folder / "report.html").write_text("<title>The page</title>" + "x" * 2000, "utf-8")
    for name in FIGURES:
        stem = folder / "figures" / name
        stem.parent.mkdir(exist_ok=True)
        for ending in (".svg", ".png", ".csv", ".rst"):
            stem.with_suffix(ending).write_text(f"{name}{ending}\n")
    for run in tables.runs[RUN].itertuples(index=False):
        _record(folder / "runs" / "/".join(map(str, run)) / "run.json")
    for stage, dataset, seconds, megabytes in JOBS:
        _job(folder, Path(stage, dataset, "one" if dataset else stage), seconds, megabytes)
    shutil.copy(ROOT / "config.yaml", clone / "config.yaml")
    for path, content in (
        ("studies/several.yaml", yaml.safe_dump(CONFIG)),
        ("workflow/datasets.yaml", (ROOT / "workflow/datasets.yaml").read_text("utf-8")),
    ):
        (clone / path).parent.mkdir(exist_ok=True)
        (clone / path).write_text(content, "utf-8")
    return Finished(folder, tables.runs, cells, claims)


def _with_curves(cells: pd.DataFrame) -> pd.DataFrame:
    """Shares of pairs in order that rise with the logarithm of the gap, from 0.5 to 0.77."""
    cells = cells.copy()
    for b in range(GAP_BINS):
        cells.loc[cells["statistic"] == f"gap_study_{b}", "estimate"] = 10 ** (-3 + b / 4)
        cells.loc[cells["statistic"] == f"concordance_study_{b}", "estimate"] = 0.5 + 0.03 * b
    return cells


def _agreement(runs: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    kinds = [
        ("attention~linear_gain", "kendall_b"),
        ("attention~gradient", "kendall_b"),
        ("attention~linear_gain", "spearman"),
        ("linear_gain~gradient", "kendall_b"),
        ("linear_gain~linear_gain", "reliability"),
    ]
    parts = [
        runs[RUN].assign(pair=pair, statistic=statistic, value=rng.normal(size=len(runs)))
        for pair, statistic in kinds
    ]
    seeds = runs[RUN].drop_duplicates(RUN[:-1]).assign(seed=None, value=rng.normal())
    parts.append(seeds.assign(pair="attention~attention", statistic="between_seeds"))
    table = pd.concat(parts).assign(index="instance")
    return table[["index", "pair", "statistic", "value", *RUN]]


def _record(path: Path) -> None:
    path.parent.mkdir(parents=True)
    record = {
        "commit": COMMIT,
        "python": "3.11.7",
        "versions": {"torch": "2.13.0"},
        "host": platform.node(),
        "machine": "Linux x86_64",
    }
    path.write_text(json.dumps(record), "utf-8")


def _job(folder: Path, place: Path, seconds: float, megabytes: float) -> None:
    benchmark = folder / "benchmarks" / place.with_suffix(".tsv")
    log = folder / "logs" / place.with_suffix(".log")
    for path in (benchmark, log):
        path.parent.mkdir(parents=True, exist_ok=True)
    benchmark.write_text(f"s\tmax_rss\n{9 * seconds}\t{megabytes}\n", "utf-8")
    log.write_text(
        f"2026-01-01 00:00:00,000 imported in 0.50 s of CPU\n"
        f"2026-01-01 00:00:01,000 finished after {seconds:.2f} s of CPU\n",
        "utf-8",
    )
