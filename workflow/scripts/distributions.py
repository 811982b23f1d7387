"""What figures show of single texts; the study's name and level for whoever reads its tables."""

import json

import numpy as np
import pandas as pd

from attinfo.data.texts import read_summary
from attinfo.distributions import of_group
from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]):
    files, options = snakemake.input, snakemake.params.options
    classes = dict(
        zip(options["datasets"], (read_summary(f)["classes"] for f in files.data), strict=True)
    )
    states: dict[str, dict[int, str]] = {}
    for (group, seed), path in zip(options["runs"], files.states, strict=True):
        states.setdefault(group, {})[seed] = path
    tables = []
    faithfulness = np.reshape(files.faithfulness, (len(states), -1))  # one file a cell, or more
    for group, texts, erased in zip(states, files.texts, faithfulness, strict=True):
        *cell, _ = group.split("/")
        trained = states.get("/".join([*cell, "trained"]), {})
        tables.append(of_group(texts, erased, states[group], trained, classes[cell[0]]))
    with whole(snakemake.output.distributions) as path:
        pd.concat(tables).to_parquet(path, index=False)
    with whole(snakemake.output.study) as path:
        path.write_text(json.dumps(options["study"], indent=2), encoding="utf-8")
