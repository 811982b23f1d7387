"""Write the page of a study."""

import json

import pandas as pd

from attinfo.data.texts import read_summary
from attinfo.errors import reporting
from attinfo.files import whole
from attinfo.grid import Run
from attinfo.report import examples, page, write

TABLES = ("claims", "cells", "runs", "agreement", "faithfulness", "variance", "ranks")

with reporting(snakemake.log[0]):
    files, options = snakemake.input, snakemake.params.options
    runs = [Run(*run) for run in options["runs"]]
    shown = examples(
        list(zip(runs, files.states, files.pointwise, strict=True)),
        files.data[options["datasets"].index(runs[0].dataset)],
        options["texts"],
        options["seed"],
    )
    content = page(
        study=options["study"],
        level=options["level"],
        tables={name: pd.read_csv(files[name]) for name in TABLES}
        | {"information": pd.read_parquet(files.information)}
        | ({"published": pd.read_csv(files.published)} if files.published else {}),
        figures=dict(zip(map(tuple, options["figures"]), files.figures, strict=True)),
        captions=dict(zip(map(tuple, options["figures"]), files.captions, strict=True)),
        summaries=dict(zip(options["datasets"], map(read_summary, files.data), strict=True)),
        shown=shown,
        run=files.run,
        config=json.dumps(options["config"], indent=2),
    )
    with whole(snakemake.output.report) as path:
        write(path, **content)
