"""Settle the five conclusions."""

import pandas as pd

from attinfo.claims import settle
from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]):
    # Sorted, the cells of a data set stand together: paths begin with its name.
    texts = map(pd.read_parquet, sorted(snakemake.input.texts))
    options = snakemake.params.options
    tables = settle(texts, options["level"], options["bootstrap"], options["seed"])
    for name, table in tables.items():
        with whole(snakemake.output[name]) as path:
            table.to_csv(path, index=False, lineterminator="\n")
