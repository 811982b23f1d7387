"""Count what figures show of single texts."""

from attinfo.runtime.job import job

# isort: split

import numpy as np
import pandas as pd

from attinfo.data.texts import read_summary
from attinfo.figures.distributions import of_group
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    files, options = snakemake.input, snakemake.params.options
    classes = dict(
        zip(options["datasets"], (read_summary(f)["classes"] for f in files.data), strict=True)
    )
    seeds, groups = options["seeds"], options["groups"]
    by_seed = (np.reshape(paths, (-1, len(seeds))) for paths in (files.states, files.faithfulness))
    of_runs = [[dict(zip(seeds, own, strict=True)) for own in paths] for paths in by_seed]
    states, faithfulness = (dict(zip(groups, own, strict=True)) for own in of_runs)
    tables = []
    for group, texts in zip(groups, files.texts, strict=True):
        *cell, _ = group.split("/")
        trained = states.get("/".join([*cell, "trained"]), {})
        own = faithfulness[group], states[group]
        tables.append(of_group(texts, *own, trained, classes[cell[0]]))
    with whole(snakemake.output.distributions) as path:
        pd.concat(tables).to_parquet(path, index=False)
