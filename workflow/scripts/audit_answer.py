"""Judge whether each attention view explains a model; make tables and texts word by word."""

from attinfo.runtime.job import be_deterministic, job

# isort: split

import json
from pathlib import Path

import pandas as pd

from attinfo.audit.answer import without_nan
from attinfo.audit.opened import found_by, opened
from attinfo.audit.results import results
from attinfo.config.sections.statistics import Statistics
from attinfo.runtime.atomic import whole

with job(snakemake.log[0]):
    be_deterministic()
    given, made, options = snakemake.input, snakemake.output, snakemake.params.options
    model, texts, section = opened(given.data, next(iter(given.model), None), options)
    lexicon = next(iter(given.lexicon), None)
    found = results(
        texts,
        model.classes,
        found_by(given),
        pd.read_parquet(given.removal),
        pd.read_parquet(given.heads),
        section,
        Statistics.model_validate(options["statistics"]),
        None if lexicon is None else (pd.read_parquet(lexicon), options["lexicon"]),
        options["shown"],
        {Path(path).stem: pd.read_parquet(path)["total"].to_numpy() for path in given.totals},
    )
    for name, content in found.items():
        with whole(made[name]) as path:
            if isinstance(content, pd.DataFrame):
                content.to_csv(path, index=False, lineterminator="\n")
            else:
                path.write_text(
                    json.dumps(without_nan(content), ensure_ascii=False, allow_nan=False) + "\n",
                    encoding="utf-8",
                )
