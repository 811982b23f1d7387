"""Draw the figures of a study."""

from pathlib import Path

import pandas as pd

from attinfo.errors import reporting
from attinfo.figures import Tables, draw_all

with reporting(snakemake.log[0]):
    names = ("claims", "cells", "runs", "calibration")
    tables = {name: pd.read_csv(snakemake.input[name]) for name in names}
    tables["information"] = pd.read_parquet(snakemake.input.information)
    draw_all(Tables(**tables), Path(snakemake.output[0]).parent)
