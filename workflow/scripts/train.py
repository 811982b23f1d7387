"""Train one run."""

from attinfo.data.texts import read_summary, read_texts
from attinfo.errors import reporting
from attinfo.models.variants import VARIANTS
from attinfo.provenance import describe
from attinfo.training import train_run

with reporting(snakemake.log[0]):
    data, options = snakemake.input.data, snakemake.params.options
    train_run(
        texts=(read_texts(data, "train"), read_texts(data, "dev")),
        summary=read_summary(data),
        options=options,
        variant=VARIANTS[options["variant"]],
        provenance=describe(snakemake.input.code, ("torch", "numpy", "safetensors")),
        outputs=dict(snakemake.output.items()),
    )
