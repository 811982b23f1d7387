"""Write the scores of all tokens of a data set's runs as one table."""

from attinfo.runtime.job import job

# isort: split

import numpy as np

from attinfo.explain.export import Files, write_scores
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    given, runs = snakemake.input, snakemake.params.runs
    pointwise = np.reshape(given.pointwise, (len(runs), -1)).tolist()
    files = zip(runs, given.states, given.importance, given.seconds, pointwise, strict=True)
    with whole(snakemake.output.scores) as path:
        write_scores(path, [Files(*own) for own in files], given.data)
