"""Delete tokens in the order of each measure and see what the models of one cell then say."""

from attinfo.runtime.job import be_deterministic, job

# isort: split

import pandas as pd

from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.explain.faithfulness import faithfulness
from attinfo.keys import PLACE
from attinfo.models.inputs import texts_and_models
from attinfo.runtime.atomic import whole
from attinfo.states.store import read_states

with job(snakemake.log[0]):
    seeds = snakemake.params.seeds
    be_deterministic()
    given, options = snakemake.input, snakemake.params.options
    texts, models = texts_and_models(
        given.data, given.models, given.teachers, given.features, options
    )
    settings = Faithfulness.model_validate(options["faithfulness"])
    files = given.states, given.pointwise, given.importance
    made = snakemake.output.faithfulness
    for seed, model, states, pointwise, importance, path in zip(
        seeds, models, *files, made, strict=True
    ):
        measures = pd.read_parquet(importance)
        # Costly measures order the tokens of these texts only.
        among = measures.groupby("text")["drawn"].first().to_numpy()
        orderings = {
            "attention": read_states(states).attention,
            "information": pd.read_parquet(pointwise)["linear_gain"].to_numpy(),
            **{name: values.to_numpy() for name, values in measures.drop(columns=PLACE).items()},
        }
        found = faithfulness(model, texts, seed, orderings, settings, among)
        with whole(path) as temporary:
            found.assign(**snakemake.wildcards, seed=seed).to_parquet(temporary, index=False)
