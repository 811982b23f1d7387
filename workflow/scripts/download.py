"""Bring a raw table from its source."""

from attinfo.runtime.job import job

# isort: split

from attinfo.data.sources import SOURCES
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    options = dict(snakemake.params.options)
    table = SOURCES[options.pop("name")](**options)
    with whole(snakemake.output.raw) as path:
        table.to_parquet(path)
