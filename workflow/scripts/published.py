"""Set what others have published beside the numbers of the study."""

import pandas as pd

from attinfo.errors import reporting
from attinfo.files import whole
from attinfo.published import beside, read_published

with reporting(snakemake.log[0]):
    published = read_published(snakemake.input.published)
    table = beside(published, pd.read_csv(snakemake.input.runs), snakemake.params.options["level"])
    with whole(snakemake.output.published) as path:
        table.to_csv(path, index=False, lineterminator="\n")
