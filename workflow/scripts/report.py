"""Write the page of a study, its strips of words and its tables for LaTeX."""

from attinfo.runtime.job import job

# isort: split

from pathlib import Path

import pandas as pd

from attinfo.config.grid import Run
from attinfo.data.texts import read_summary
from attinfo.report.figures import read_figures
from attinfo.report.page import page, render
from attinfo.report.strips import Files, strips, write_svgs
from attinfo.report.tables.methods import estimate_seconds, seconds_of
from attinfo.runtime.atomic import whole
from attinfo.runtime.cost import costs
from attinfo.runtime.provenance import fingerprint

TABLES = (
    *("claims", "specifications", "cells", "runs", "training", "calibration", "agreement"),
    *("faithfulness", "completeness", "variance", "ranks", "across", "moderators"),
)

with job(snakemake.log[0]):
    given, made, options = snakemake.input, snakemake.output, snakemake.params.options
    runs = [Run(*run) for run in options["runs"]]
    files = zip(runs, given.states, given.pointwise, given.importance, strict=True)
    data = dict(zip(options["datasets"], given.data, strict=True))
    shown = strips([Files(*own) for own in files], data[runs[0].dataset], **options["strips"])
    summaries = {name: read_summary(folder) for name, folder in data.items()}
    texts = sum(
        count * summaries[name]["splits"]["test"]["texts"]
        for name, count in options["runs_of"].items()
    )
    jobs = sorted(Path(options["benchmarks"][0]).glob("information/**/*.tsv"))
    seconds = seconds_of(given.seconds, estimate_seconds(jobs, options["estimators"], texts))
    content = page(
        study=options["study"],
        level=options["level"],
        tables={name: pd.read_csv(given[name]) for name in TABLES}
        | {"information": pd.read_parquet(given.information), "seconds": seconds}
        | ({"published": pd.read_csv(given.published)} if given.published else {}),
        figures=read_figures(options["figures"], options["datasets"]),
        summaries=summaries,
        shown=shown,
        seed=runs[0].seed,
        costs=[cost for cost in costs(*options["benchmarks"]) if cost.rule != "report"],
        records=given.records,
        code=fingerprint(snakemake.params.code),
        config=options["config"],
    )
    with whole(made.strips) as folder:
        write_svgs(shown, folder)
    for name in ("verdicts", "agreement"):
        with whole(made[name]) as path:
            path.write_text(content["tables"][name].latex, encoding="utf-8")
    with whole(made.report) as path:
        path.write_text(render(content), encoding="utf-8")
