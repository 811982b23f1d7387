"""Measure an estimator on the tasks of known information."""

from attinfo.runtime.job import be_deterministic, job

# isort: split

import pandas as pd

from attinfo.data.texts import read_summary, read_texts
from attinfo.information.calibration import calibrate
from attinfo.runtime.atomic import whole
from attinfo.runtime.loading import Chosen

with job(snakemake.log[0]):
    be_deterministic()
    texts = len(read_texts(snakemake.input.data, "test"))
    classes = len(read_summary(snakemake.input.data)["classes"])
    options = snakemake.params.options
    tasks = map(Chosen.of, options["tasks"])
    found = [calibrate(task, texts, classes, options) for task in tasks]
    with whole(snakemake.output.calibration) as path:
        pd.concat(found).assign(dataset=snakemake.wildcards.dataset).to_csv(
            path, index=False, lineterminator="\n"
        )
