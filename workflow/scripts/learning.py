"""Put together how the models of all cells were trained."""

from attinfo.runtime.job import job

# isort: split

from pathlib import Path

from attinfo.runtime.atomic import whole
from attinfo.training.tables import learning_table, training_table

with job(snakemake.log[0]):
    given, options = snakemake.input, snakemake.params.options
    runs = [(*group.split("/"), seed) for group in options["groups"] for seed in options["seeds"]]
    models = {Path(path).parts[-7:-1]: path for path in given.histories}
    tables = {
        "training": training_table(runs, given.records),
        "learning": learning_table(models),
    }
    for name, table in tables.items():
        with whole(snakemake.output[name]) as path:
            table.to_csv(path, index=False, lineterminator="\n")
