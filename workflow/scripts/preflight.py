"""Check the study against its data before anything is trained."""

from attinfo.runtime.job import job

# isort: split

import json

from attinfo.config.preflight import preflight
from attinfo.data.texts import read_summary
from attinfo.data.vectors import summary_of
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    options = dict(snakemake.params.options)
    summaries = dict(
        zip(options.pop("datasets"), map(read_summary, snakemake.input.data), strict=True)
    )
    sizes = options.pop("embeddings")
    embeddings = list(zip(sizes, map(summary_of, snakemake.input.vectors), strict=True))
    checked = preflight(summaries, **options, embeddings=embeddings)
    with whole(snakemake.output.checked) as path:
        path.write_text(json.dumps(checked, indent=2) + "\n", encoding="utf-8")
