"""Compare attention with information in one cell."""

import pandas as pd

from attinfo.agreement import by_text, by_unit
from attinfo.data.truth import read_truth
from attinfo.errors import reporting
from attinfo.files import whole
from attinfo.store import read_states

with reporting(snakemake.log[0]):
    information = pd.read_parquet(snakemake.input.information)
    truth = read_truth(snakemake.input.data, "test")
    texts, rows = [], []
    files = zip(
        snakemake.params.options["seeds"],
        snakemake.input.states,
        snakemake.input.pointwise,
        strict=True,
    )
    for seed, states_path, pointwise in files:
        states, run = read_states(states_path), dict(snakemake.wildcards.items()) | {"seed": seed}
        decisive = truth.decisive if truth else None
        table, by_instance = by_text(states, pd.read_parquet(pointwise), decisive)
        units = by_unit(states, information[information["seed"] == seed])
        texts.append(table.assign(**run))
        rows += [by_instance.assign(**run), units.assign(**run)]
    with whole(snakemake.output.texts) as path:
        pd.concat(texts).to_parquet(path, index=False)
    with whole(snakemake.output.agreement) as path:
        pd.concat(rows).to_csv(path, index=False, lineterminator="\n")
