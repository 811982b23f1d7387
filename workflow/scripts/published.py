"""Set what others have published beside the numbers of the study."""

from attinfo.runtime.job import job

# isort: split

import pandas as pd

from attinfo.claims.published import beside, read_published
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    published = read_published(snakemake.input.published)
    table = beside(published, pd.read_csv(snakemake.input.runs), snakemake.params.options["level"])
    with whole(snakemake.output.published) as path:
        table.to_csv(path, index=False, lineterminator="\n")
