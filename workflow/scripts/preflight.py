"""Check the study against its data before anything is trained."""

from attinfo.runtime.job import job

# isort: split

import json

from attinfo.data.groups import groups_of_units
from attinfo.data.preflight import preflight
from attinfo.data.scores import read_each
from attinfo.data.texts import read_groups, read_summary, read_texts
from attinfo.data.vectors import summary_of
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    options = dict(snakemake.params.options)
    folders = dict(zip(options.pop("datasets"), snakemake.input.data, strict=True))
    summaries = {name: read_summary(folder) for name, folder in folders.items()}
    counts = options.pop("counts")
    groups = {
        name: groups_of_units(read_texts(folder, "test"), own, counts, options["min_texts"])
        for name, folder in folders.items()
        if (own := read_groups(folder, "test")) is not None
    }
    if scores := options.pop("scores", None):
        read_each(folders, **scores)
    sizes = options.pop("embeddings")
    embeddings = list(zip(sizes, map(summary_of, snakemake.input.vectors), strict=True))
    checked = preflight(summaries, **options, embeddings=embeddings, groups=groups)
    with whole(snakemake.output.checked) as path:
        path.write_text(json.dumps(checked, indent=2) + "\n", encoding="utf-8")
