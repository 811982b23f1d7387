"""Estimate the information in the states of one cell."""

import pandas as pd

from attinfo.data.truth import read_truth
from attinfo.determinism import be_deterministic
from attinfo.errors import reporting
from attinfo.files import whole
from attinfo.information.units import information
from attinfo.store import read_states

with reporting(snakemake.log[0]):
    be_deterministic()
    rows, options = [], snakemake.params.options
    truth = read_truth(snakemake.input.data, "test")
    files = zip(options["seeds"], snakemake.input.states, snakemake.output.pointwise, strict=True)
    for seed, states, pointwise_path in files:
        run = "/".join([*snakemake.wildcards, str(seed)])
        units, pointwise = information(read_states(states, hidden=True), options, run, truth)
        rows.append(units.assign(**snakemake.wildcards, seed=seed))
        with whole(pointwise_path) as path:
            pointwise.to_parquet(path, index=False)
    with whole(snakemake.output.information) as path:
        pd.concat(rows).to_parquet(path, index=False)
