"""Dump what the models of one cell did with the test texts."""

from attinfo.data.texts import read_summary, read_texts
from attinfo.determinism import be_deterministic
from attinfo.errors import reporting
from attinfo.models.classifier import load
from attinfo.models.variants import VARIANTS
from attinfo.states import states_of
from attinfo.store import write_states

with reporting(snakemake.log[0]):
    be_deterministic()
    texts, summary = read_texts(snakemake.input.data, "test"), read_summary(snakemake.input.data)
    options = snakemake.params.options
    variant = VARIANTS[options["variant"]]
    sizes = summary["vocabulary"], len(summary["classes"])
    paths = zip(options["seeds"], snakemake.input.models, snakemake.output.states, strict=True)
    for seed, weights, path in paths:
        model = load(weights, options["model"], variant, *sizes)
        write_states(path, states_of(model, texts, permute=seed if variant.permute else None))
