"""Dump what the models of one cell did with the test texts."""

from attinfo.runtime.job import be_deterministic, job

# isort: split

from attinfo.config.variants import variant_of
from attinfo.data.texts import read_summary
from attinfo.models.classifier import load_each
from attinfo.models.features import read_inputs
from attinfo.runtime.devices import device_of
from attinfo.states.extract import states_of
from attinfo.states.store import write_states

with job(snakemake.log[0]):
    be_deterministic()
    data, options = snakemake.input.data, snakemake.params.options
    features = next(iter(snakemake.input.features), None)
    texts = read_inputs(data, "test", options["model"]["encoder"], features)
    summary = read_summary(data)
    variant = variant_of(options["variant"])
    sizes = summary["vocabulary"], len(summary["classes"])
    teachers = snakemake.input.get("teachers", [])
    models = load_each(
        snakemake.input.models,
        teachers,
        options["model"],
        variant,
        sizes,
        device_of(options["device"]),
    )
    for seed, model, path in zip(options["seeds"], models, snakemake.output.states, strict=True):
        permutations = variant.permutations if variant.permute else 0
        write_states(path, states_of(model, texts, seed, variant.permute, permutations))
