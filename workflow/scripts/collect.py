"""Put the agreement tables of all cells together."""

import pandas as pd

from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]):
    tables = [pd.read_csv(file) for file in snakemake.input.agreement]
    with whole(snakemake.output.agreement) as path:
        pd.concat(tables).to_csv(path, index=False, lineterminator="\n")
