"""Tokenise and split a data set."""

from pathlib import Path

from attinfo.data.prepare import prepare
from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]), whole(snakemake.output.data) as folder:
    prepare(Path(snakemake.input.raw), snakemake.params.options, folder)
