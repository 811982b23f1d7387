"""Measure how important each word is to a model's predictions."""

from attinfo.runtime.job import be_deterministic, job, keep_freed_memory

# isort: split

import pandas as pd

from attinfo.audit.opened import opened
from attinfo.audit.stages import measure
from attinfo.runtime.atomic import whole
from attinfo.runtime.loading import Chosen

with job(snakemake.log[0]):
    be_deterministic()
    keep_freed_memory()
    given, options = snakemake.input, snakemake.params.options
    model, texts, _ = opened(given.data, next(iter(given.model), None), options)
    found, totals = measure(model, texts, Chosen.of(options["measure"]))
    with whole(snakemake.output.importance) as path:
        pd.DataFrame({"value": found}).to_parquet(path, index=False)
    with whole(snakemake.output.totals) as path:
        pd.DataFrame({"total": totals}).to_parquet(path, index=False)
