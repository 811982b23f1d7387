"""Put the tables of all cells together."""

import pandas as pd

from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]):
    with whole(snakemake.output.information) as path:
        tables = [pd.read_parquet(file) for file in snakemake.input.information]
        pd.concat(tables).to_parquet(path, index=False)
    with whole(snakemake.output.agreement) as path:
        tables = [pd.read_csv(file) for file in snakemake.input.agreement]
        pd.concat(tables).to_csv(path, index=False, lineterminator="\n")
