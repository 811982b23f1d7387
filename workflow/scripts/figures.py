"""Draw the figures of a study."""

from pathlib import Path

import pandas as pd

from attinfo.errors import reporting
from attinfo.figures import Tables, draw_all

with reporting(snakemake.log[0]):
    tables = [pd.read_csv(snakemake.input[name]) for name in ("claims", "cells", "runs")]
    information = pd.read_parquet(snakemake.input.information)
    draw_all(Tables(*tables, information), Path(snakemake.output[0]).parent)
