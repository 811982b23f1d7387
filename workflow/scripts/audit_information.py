"""Estimate the information about the prediction in the words' states, layer by layer."""

from attinfo.runtime.job import be_deterministic, job

# isort: split

import pandas as pd

from attinfo.audit.attend import read_attended
from attinfo.audit.opened import opened
from attinfo.audit.stages import information, text_table
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    be_deterministic()
    given, made, options = snakemake.input, snakemake.output, snakemake.params.options
    model, texts, section = opened(given.data, next(iter(given.model), None), options)
    attended = read_attended(given.views, given.states)
    with whole(made.texts) as path:
        text_table(texts, attended, model.classes).to_parquet(path, index=False)
    table, gains = information(model, texts, attended, options["permutations"], section.seed)
    with whole(made.information) as path:
        table.to_csv(path, index=False, lineterminator="\n")
    with whole(made.gains) as path:
        pd.DataFrame(gains).to_parquet(path, index=False)
