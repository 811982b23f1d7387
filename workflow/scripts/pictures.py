"""Make the pictures of the README."""

import subprocess
import sys

from attinfo.errors import reporting
from attinfo.files import whole
from attinfo.pictures import picture_of_page, picture_of_rules

with reporting(snakemake.log[0]):
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "dot"]
    graph = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    with whole(snakemake.output.rules) as path:
        picture_of_rules(graph, path)
    with whole(snakemake.output.page) as path:
        picture_of_page(snakemake.input.page, path)
