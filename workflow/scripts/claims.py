"""Make the tables of claims, runs, cells, variance and ranks."""

from attinfo.runtime.job import job

# isort: split

import json

import pandas as pd

from attinfo.claims.settle import settle
from attinfo.config.sections.statistics import Statistics
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    # Sorted, the cells of a data set stand together: paths begin with its name.
    texts = map(pd.read_parquet, sorted(snakemake.input.texts))
    options = snakemake.params.options
    statistics = Statistics.model_validate(options["statistics"])
    training = pd.read_csv(snakemake.input.training)
    tables = settle(texts, statistics, training, options["names"])
    for name, table in tables.items():
        with whole(snakemake.output[name]) as path:
            table.to_csv(path, index=False, lineterminator="\n")
    with whole(snakemake.output.study) as path:
        path.write_text(json.dumps(options, indent=2) + "\n", encoding="utf-8")
