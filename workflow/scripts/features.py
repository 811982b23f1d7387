"""Compute the features of a frozen pretrained encoder."""

from attinfo.runtime.job import be_deterministic, job

# isort: split

from attinfo.models.features import write_features
from attinfo.runtime.atomic import whole
from attinfo.runtime.devices import device_of

with job(snakemake.log[0]), whole(snakemake.output.features) as folder:
    be_deterministic()
    options = dict(snakemake.params.options)
    device = device_of(options.pop("device"))
    write_features(snakemake.input.data, **options, folder=folder, device=device)
