"""Compare attention with information and importance in one cell."""

import pandas as pd

from attinfo.agreement import (
    between_seeds,
    by_text,
    by_unit,
    measures_of,
    read_rated,
    split_half,
)
from attinfo.data.truth import read_truth
from attinfo.errors import reporting
from attinfo.files import whole
from attinfo.store import read_states

with reporting(snakemake.log[0]):
    options = snakemake.params.options
    information = pd.read_parquet(snakemake.input.information)
    truth = read_truth(snakemake.input.data, "test")
    decisive = rated = truth.decisive if truth else None
    if options["yardstick"]:
        table = pd.read_parquet(snakemake.input.yardstick[0])
        rated = read_rated(snakemake.input.data, "test", table, **options["yardstick"])
    files = snakemake.input.states, snakemake.input.pointwise, snakemake.input.importance
    cell = dict(snakemake.wildcards.items())
    texts, rows, runs = [], [], []
    for seed, states_path, *tables in zip(options["seeds"], *files, strict=True):
        states, run = read_states(states_path), cell | {"seed": seed}
        pointwise, importance = map(pd.read_parquet, tables)
        name = "/".join(map(str, run.values()))
        table, by_instance = by_text(
            states, pointwise, decisive, importance, rated, options["temperatures"], name
        )
        units = by_unit(states, information[information["seed"] == seed], pointwise, name)
        halves = split_half(states, pointwise, "linear_pvi_position")
        texts.append(table.assign(**run))
        rows += [part.assign(**run) for part in (by_instance, units, halves)]
        runs.append({"attention": states.score, **measures_of(pointwise, importance)})
    rows.append(between_seeds(runs, states.offsets).assign(**cell))
    with whole(snakemake.output.texts) as path:
        pd.concat(texts).to_parquet(path, index=False)
    with whole(snakemake.output.agreement) as path:
        pd.concat(rows).to_csv(path, index=False, lineterminator="\n")
