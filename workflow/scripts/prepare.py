"""Tokenise and split a data set."""

import logging
from pathlib import Path
import sys

from attinfo.data.prepare import prepare
from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]), whole(snakemake.output.data) as folder:
    for warning in prepare(Path(snakemake.input.raw), snakemake.params.options, folder):
        logging.warning("%s", warning)
        print(f"warning: {warning}", file=sys.stderr)
