"""Train one run."""

from attinfo.data.texts import read_summary
from attinfo.determinism import be_deterministic
from attinfo.errors import reporting
from attinfo.models.inputs import read_inputs
from attinfo.models.variants import variant_of
from attinfo.provenance import describe
from attinfo.training import train_run

with reporting(snakemake.log[0]):
    be_deterministic()
    data, options = snakemake.input.data, snakemake.params.options
    encoder = options["model"]["encoder"]
    needs = ("tokenizers", "transformers") if encoder["name"] == "pretrained" else ()
    features = next(iter(snakemake.input.features), None)
    train_run(
        texts=tuple(read_inputs(data, split, encoder, features) for split in ("train", "dev")),
        summary=read_summary(data),
        options=options,
        variant=variant_of(options["variant"]),
        provenance=describe(snakemake.input.code, ("torch", "numpy", "safetensors", *needs)),
        outputs=dict(snakemake.output.items()),
        teacher=next(iter(snakemake.input.get("teacher", [])), None),
        vectors=next(iter(snakemake.input.get("vectors", [])), None),
    )
