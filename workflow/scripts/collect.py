"""Put the tables of all cells together."""

import numpy as np
import pandas as pd

from attinfo.collected import faithfulness_means
from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]):
    options = snakemake.params.options
    cells = np.reshape(snakemake.input.faithfulness, (-1, options["seeds"]))
    faithfulness = (pd.concat(map(pd.read_parquet, files)) for files in cells)
    tables = {
        "agreement": pd.concat(map(pd.read_csv, snakemake.input.agreement)),
        "faithfulness": faithfulness_means(faithfulness, options["level"]),
    }
    for name, table in tables.items():
        with whole(snakemake.output[name]) as path:
            table.to_csv(path, index=False, lineterminator="\n")
