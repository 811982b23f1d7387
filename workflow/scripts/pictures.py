"""Make the pictures of the README."""

from attinfo.runtime.job import job

# isort: split

import subprocess
import sys

from attinfo.report.pictures import picture_of_page, picture_of_rules
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "dot"]
    graph = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    with whole(snakemake.output.rules) as path:
        picture_of_rules(graph, path)
    with whole(snakemake.output.page) as path:
        picture_of_page(snakemake.input.page, path)
