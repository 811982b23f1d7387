"""Tokenise and split a data set."""

from attinfo.runtime.job import job

# isort: split

import logging
from pathlib import Path
import sys

from attinfo.data.prepare import prepare
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]), whole(snakemake.output.data) as folder:
    for warning in prepare(Path(snakemake.input.raw), snakemake.params.options, folder):
        logging.warning("%s", warning)
        print(f"warning: {warning}", file=sys.stderr)
