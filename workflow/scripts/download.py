"""Bring a raw table from its source."""

from attinfo.data.sources import SOURCES
from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]):
    options = dict(snakemake.params.options)
    table = SOURCES[options.pop("name")](**options)
    with whole(snakemake.output.raw) as path:
        table.to_parquet(path)
