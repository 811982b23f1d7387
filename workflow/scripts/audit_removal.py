"""Measure the change of the prediction when the words that an order puts first are removed."""

from attinfo.runtime.job import be_deterministic, job, keep_freed_memory

# isort: split

from attinfo.audit.opened import found_by, opened
from attinfo.audit.stages import agree, heads_of, remove
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.config.sections.statistics import Statistics
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    be_deterministic()
    keep_freed_memory()
    given, made, options = snakemake.input, snakemake.output, snakemake.params.options
    model, texts, section = opened(given.data, next(iter(given.model), None), options)
    found, statistics = found_by(given), Statistics.model_validate(options["statistics"])
    agreed = agree(texts, *found, section, statistics)
    own = Faithfulness.model_validate(options["faithfulness"])
    tables = remove(model, texts, agreed, heads_of(found.attended), section, own)
    for table, name in zip(tables, ("removal", "heads"), strict=True):
        with whole(made[name]) as path:
            table.to_parquet(path, index=False)
