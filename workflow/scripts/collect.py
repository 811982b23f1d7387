"""Put the tables of all cells together."""

from attinfo.runtime.job import job

# isort: split

import numpy as np
import pandas as pd

from attinfo.claims.collect import faithfulness_means
from attinfo.explain.completeness import completeness_table
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    options = snakemake.params.options
    cells = np.reshape(snakemake.input.faithfulness, (-1, options["seeds"]))
    faithfulness = (pd.concat(map(pd.read_parquet, files)) for files in cells)
    tables = {
        "agreement": pd.concat(map(pd.read_csv, snakemake.input.agreement)),
        "faithfulness": faithfulness_means(faithfulness, options["level"]),
        "completeness": completeness_table(map(pd.read_parquet, snakemake.input.completeness)),
    }
    for name, table in tables.items():
        with whole(snakemake.output[name]) as path:
            table.to_csv(path, index=False, lineterminator="\n")
