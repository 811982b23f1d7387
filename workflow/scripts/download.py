"""Bring a raw table from its source."""

from attinfo.runtime.job import job

# isort: split

from attinfo.runtime.atomic import whole
from attinfo.runtime.loading import Chosen

with job(snakemake.log[0]):
    source = Chosen.of(snakemake.params.options)
    table = source.load()(**source.options)
    with whole(snakemake.output.raw) as path:
        table.to_parquet(path)
