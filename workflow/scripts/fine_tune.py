"""Train a pretrained model for the classes of a data set."""

from attinfo.runtime.job import be_deterministic, job, keep_freed_memory

# isort: split

from attinfo.audit.fine_tune import fine_tune
from attinfo.config.sections.audited import FineTune
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    be_deterministic()
    keep_freed_memory()
    given, made, options = snakemake.input, snakemake.output, dict(snakemake.params.options)
    base = next(iter(given.base), options["model"])
    own = FineTune.model_validate(options["fine_tune"])
    with whole(made.model) as folder, whole(made.history) as path:
        history = fine_tune(
            given.data,
            base,
            options["revision"],
            own,
            options["seed"],
            folder,
            options["place"],
            options["device"],
            options["first"],
        )
        history.to_csv(path, index=False, lineterminator="\n")
