"""Compute attention views and hidden states of a model, or of an untrained one."""

from attinfo.runtime.job import be_deterministic, job, keep_freed_memory

# isort: split

from attinfo.audit.attend import attend, write_attended
from attinfo.audit.checks import check_predictions, check_states
from attinfo.audit.model import untrained
from attinfo.audit.opened import opened
from attinfo.runtime.loading import Chosen

with job(snakemake.log[0]):
    be_deterministic()
    keep_freed_memory()
    given, made, options = snakemake.input, snakemake.output, snakemake.params.options
    model, texts, section = opened(given.data, next(iter(given.model), None), options)
    trained = options["weights"] == "trained"
    read = model if trained else untrained(model, section.seed)
    views = [Chosen.of(view) for view in options["views"]]
    words = section.state_words if trained else 0
    label = f"{options['weights']} model"
    found = attend(read, texts.encoded, views, texts.drawn, words, label, not trained)
    if trained:
        check_predictions(found, model.classes)
        check_states(found, texts.sources, model.classes)
    write_attended(found, made.views, made.states)
