"""Measure the estimators on one task of known information."""

from attinfo.calibration import calibrate
from attinfo.data.texts import read_summary, read_texts
from attinfo.determinism import be_deterministic
from attinfo.errors import reporting
from attinfo.files import whole

with reporting(snakemake.log[0]):
    be_deterministic()
    texts = len(read_texts(snakemake.input.data, "test"))
    classes = len(read_summary(snakemake.input.data)["classes"])
    found = calibrate(snakemake.wildcards.task, texts, classes, snakemake.params.options)
    with whole(snakemake.output.calibration) as path:
        found.assign(dataset=snakemake.wildcards.dataset).to_csv(
            path, index=False, lineterminator="\n"
        )
