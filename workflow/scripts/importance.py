"""Measure what each token of the test texts contributes to the predictions of one cell."""

from attinfo.runtime.job import be_deterministic, job, keep_freed_memory

# isort: split

from attinfo.config.variants import variant_of
from attinfo.data.texts import read_summary
from attinfo.explain.importance import importance
from attinfo.models.classifier import load_each
from attinfo.models.features import read_inputs
from attinfo.runtime.atomic import whole
from attinfo.runtime.devices import device_of
from attinfo.states.store import read_states

with job(snakemake.log[0]):
    be_deterministic()
    keep_freed_memory()
    given, options = snakemake.input, snakemake.params.options
    features = next(iter(given.features), None)
    texts = read_inputs(given.data, "test", options["model"]["encoder"], features)
    summary = read_summary(given.data)
    variant = variant_of(options["variant"])
    sizes = summary["vocabulary"], len(summary["classes"])
    device = device_of(options["device"])
    models = load_each(given.models, given.teachers, options["model"], variant, sizes, device)
    runs = zip(options["seeds"], models, given.states, snakemake.output.importance, strict=True)
    for seed, model, states, path in runs:
        own = read_states(states, hidden=True)
        found = importance(model, texts, own, seed, options["measures"])
        with whole(path) as temporary:
            found.to_parquet(temporary, index=False)
