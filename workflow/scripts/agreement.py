"""Compare attention with information and importance in one cell."""

from attinfo.runtime.job import job

# isort: split

import numpy as np
import pandas as pd

from attinfo.agreement.plausibility import read_rated
from attinfo.agreement.reliability import between_seeds, split_half
from attinfo.agreement.tables import by_text, by_unit, measures_of, read_pointwise
from attinfo.data.texts import read_rationale
from attinfo.data.truth import read_truth
from attinfo.runtime.atomic import whole
from attinfo.states.store import read_states

with job(snakemake.log[0]):
    options, given = snakemake.params.options, snakemake.input
    truth = read_truth(given.data, "test")
    decisive = rated = truth.decisive if truth else None
    if options["yardstick"]:
        table = pd.read_parquet(given.yardstick[0])
        rated = read_rated(given.data, "test", table, **options["yardstick"])
    rationale = read_rationale(given.data, "test")
    by_seed = (
        np.reshape(f, (len(options["seeds"]), -1)) for f in (given.information, given.pointwise)
    )
    files = zip(options["seeds"], given.states, given.importance, *by_seed, strict=True)
    cell = dict(snakemake.wildcards.items())
    texts, rows, runs = [], [], []
    for seed, states_path, importance_path, estimates, pointwise_paths in files:
        states, run = read_states(states_path), cell | {"seed": seed}
        pointwise, importance = read_pointwise(pointwise_paths), pd.read_parquet(importance_path)
        information = pd.concat(map(pd.read_parquet, estimates))
        name = "/".join(map(str, run.values()))
        table, by_instance = by_text(
            states,
            pointwise,
            decisive,
            importance,
            rated,
            options["temperatures"],
            name,
            options["signed"],
            rationale,
        )
        units = by_unit(states, information, pointwise, name)
        halves = split_half(states, pointwise, "linear_pvi_position")
        texts.append(table.assign(**run))
        rows += [part.assign(**run) for part in (by_instance, units, halves)]
        runs.append(
            {"attention": states.score, **measures_of(pointwise, importance, options["signed"])}
        )
    rows.append(between_seeds(runs, states.offsets).assign(**cell))
    with whole(snakemake.output.texts) as path:
        pd.concat(texts).to_parquet(path, index=False)
    with whole(snakemake.output.agreement) as path:
        pd.concat(rows).to_csv(path, index=False, lineterminator="\n")
