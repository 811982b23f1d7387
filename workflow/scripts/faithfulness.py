"""Delete tokens in the order of each measure and see what the models of one cell then say."""

from attinfo.runtime.job import be_deterministic, job

# isort: split

import pandas as pd

from attinfo.config.variants import variant_of
from attinfo.data.texts import read_summary
from attinfo.explain.faithfulness import faithfulness
from attinfo.models.classifier import load_each
from attinfo.models.features import read_inputs
from attinfo.runtime.atomic import whole
from attinfo.runtime.devices import device_of
from attinfo.states.store import read_states

with job(snakemake.log[0]):
    be_deterministic()
    given, options = snakemake.input, snakemake.params.options
    features = next(iter(given.features), None)
    texts = read_inputs(given.data, "test", options["model"]["encoder"], features)
    summary = read_summary(given.data)
    variant = variant_of(options["variant"])
    sizes = summary["vocabulary"], len(summary["classes"])
    device = device_of(options["device"])
    models = load_each(given.models, given.teachers, options["model"], variant, sizes, device)
    files = given.states, given.pointwise, given.importance
    made = snakemake.output.faithfulness
    for seed, model, states, pointwise, importance, path in zip(
        options["seeds"], models, *files, made, strict=True
    ):
        measures = pd.read_parquet(importance).drop(columns=["text", "token"])
        orderings = {
            "attention": read_states(states).attention,
            "information": pd.read_parquet(pointwise)["linear_gain"].to_numpy(),
            **{name: values.to_numpy() for name, values in measures.items()},
        }
        found = faithfulness(model, texts, seed, orderings, options["faithfulness"])
        with whole(path) as temporary:
            found.assign(**snakemake.wildcards, seed=seed).to_parquet(temporary, index=False)
