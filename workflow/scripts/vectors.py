"""Take the word vectors of a data set's vocabulary from a file."""

from attinfo.runtime.job import job

# isort: split

import logging

from attinfo.data.vectors import extract
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]), whole(snakemake.output.vectors) as path:
    logging.info("%s", extract(snakemake.input.file, snakemake.input.data, path))
