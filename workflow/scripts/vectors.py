"""Take the word vectors of a data set's vocabulary from a file."""

import logging

from attinfo.data.vectors import extract
from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]), whole(snakemake.output.vectors) as path:
    logging.info("%s", extract(snakemake.input.file, snakemake.input.data, path))
