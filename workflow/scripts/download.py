"""Bring the raw table of a data set."""

from pathlib import Path

from attinfo.data.sources import SOURCES
from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]):
    options = dict(snakemake.params.options)
    source = SOURCES[options.pop("name")]
    with whole(snakemake.output.raw) as path:
        source(Path(path), **options)
