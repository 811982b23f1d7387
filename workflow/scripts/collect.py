"""Put the tables of all cells together."""

import pandas as pd

from attinfo.collected import faithfulness_means
from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]):
    tables = {
        "agreement": pd.concat(map(pd.read_csv, snakemake.input.agreement)),
        "faithfulness": faithfulness_means(
            map(pd.read_parquet, snakemake.input.faithfulness), snakemake.params.options["level"]
        ),
    }
    for name, table in tables.items():
        with whole(snakemake.output[name]) as path:
            table.to_csv(path, index=False, lineterminator="\n")
