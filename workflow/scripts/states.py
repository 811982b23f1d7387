"""Store what the models of one cell did with the test texts."""

from attinfo.runtime.job import be_deterministic, job

# isort: split

from attinfo.blocks.variant import Variant
from attinfo.models.inputs import texts_and_models
from attinfo.states.extract import states_of
from attinfo.states.store import write_states

with job(snakemake.log[0]):
    be_deterministic()
    given, options = snakemake.input, snakemake.params.options
    seeds = snakemake.params.seeds
    texts, models = texts_and_models(
        given.data, given.models, given.teachers, given.features, options
    )
    variant = Variant.of(options["variant"])
    permutations = variant.permutations if variant.permute else 0
    for seed, model, path in zip(seeds, models, snakemake.output.states, strict=True):
        write_states(path, states_of(model, texts, seed, variant.permute, permutations))
