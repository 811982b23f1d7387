"""Compute the features of a frozen pretrained encoder."""

from attinfo.determinism import be_deterministic
from attinfo.devices import device_of
from attinfo.errors import reporting
from attinfo.files import whole
from attinfo.models.inputs import write_features

with reporting(snakemake.log[0]), whole(snakemake.output.features) as folder:
    be_deterministic()
    options = dict(snakemake.params.options)
    device = device_of(options.pop("device"))
    write_features(snakemake.input.data, **options, folder=folder, device=device)
