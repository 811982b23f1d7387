"""Draw the figures of a study."""

from attinfo.runtime.job import job

# isort: split

import json
from pathlib import Path

from attinfo.figures.drawing import draw_all
from attinfo.figures.tables import tables_from

with job(snakemake.log[0]):
    files = {name: Path(path) for name, path in snakemake.input.items()}
    study = json.loads(files["study"].read_text("utf-8"))
    tables = tables_from(files, study)
    draw_all(tables, files["study"].with_name("figures"), snakemake.threads)
