"""Take the data sets of a study as a sample: the effect on a new one, and what it goes with."""

from attinfo.runtime.job import job

# isort: split

import pandas as pd

from attinfo.claims.across_data_sets import across, moderators, properties
from attinfo.data.texts import read_summary
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    given, options = snakemake.input, snakemake.params.options
    claims = pd.read_csv(given.claims)
    summaries = dict(zip(options["datasets"], map(read_summary, given.data), strict=True))
    described = properties(pd.read_csv(given.runs), summaries)
    tables = {
        "across": across(claims, options["level"]),
        "moderators": moderators(claims, described),
    }
    for name, table in tables.items():
        with whole(snakemake.output[name]) as path:
            table.to_csv(path, index=False, lineterminator="\n")
