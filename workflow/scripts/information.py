"""Estimate the information in the states of some seeds of one cell, by one estimator."""

from attinfo.runtime.job import be_deterministic, job, keep_freed_memory

# isort: split

from attinfo.data.texts import read_groups
from attinfo.data.truth import read_truth
from attinfo.information.units import information
from attinfo.runtime.atomic import whole
from attinfo.states.store import read_states

with job(snakemake.log[0]):
    seeds = snakemake.params.seeds
    be_deterministic()
    keep_freed_memory()
    given, made, options = snakemake.input, snakemake.output, snakemake.params.options
    cell = {k: v for k, v in snakemake.wildcards.items() if k != "estimator"}
    truth, groups = read_truth(given.data, "test"), read_groups(given.data, "test")
    files = zip(seeds, given.states, made.information, made.pointwise, strict=True)
    for seed, states, information_path, pointwise_path in files:
        run = cell | {"seed": seed}
        name = "/".join(map(str, run.values()))
        units, tokens = information(read_states(states, hidden=True), options, name, truth, groups)
        with whole(information_path) as path:
            units.assign(**run).to_parquet(path, index=False)
        with whole(pointwise_path) as path:
            tokens.to_parquet(path, index=False)
