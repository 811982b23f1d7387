"""Compute the features of a frozen pretrained encoder."""

from attinfo.determinism import be_deterministic
from attinfo.errors import reporting
from attinfo.files import whole
from attinfo.models.inputs import write_features

with reporting(snakemake.log[0]), whole(snakemake.output.features) as folder:
    be_deterministic()
    write_features(snakemake.input.data, **snakemake.params.options, folder=folder)
