"""Measure what each token of the test texts contributes to the predictions of one cell."""

from attinfo.runtime.job import be_deterministic, job, keep_freed_memory

# isort: split

from attinfo.data.scores import Places, Scores
from attinfo.explain.importance import completeness, drawn_texts, importance
from attinfo.explain.seconds import seconds_table
from attinfo.models.inputs import texts_and_models
from attinfo.runtime.atomic import whole
from attinfo.runtime.loading import Chosen
from attinfo.states.store import read_states

with job(snakemake.log[0]):
    be_deterministic()
    keep_freed_memory()
    given, options = snakemake.input, snakemake.params.options
    seeds = snakemake.params.seeds
    texts, models = texts_and_models(
        given.data, given.models, given.teachers, given.features, options
    )
    asked = options["importance"]
    measures = [Chosen.of(measure) for measure in asked["measures"]]
    drawn = drawn_texts(len(texts), asked["texts"], asked["seed"])
    outside = [Scores(path, Places.of(given.data)) for path in given.scores]
    made, group = snakemake.output, "/".join(snakemake.wildcards)
    paths = made.importance, made.completeness, made.seconds
    for seed, model, states, path, completeness_path, seconds_path in zip(
        seeds, models, given.states, *paths, strict=True
    ):
        own, seconds = read_states(states, hidden=True), {}
        found = importance(model, texts, own, seed, measures, asked["costly"], drawn, seconds)
        for scores in outside:
            found = found.assign(**scores.of(f"{group}/{seed}"))
            seconds |= scores.seconds(f"{group}/{seed}")
        with whole(path) as temporary:
            found.to_parquet(temporary, index=False)
        with whole(seconds_path) as temporary:
            table = seconds_table(seconds, found, own.offsets)
            table.assign(**snakemake.wildcards, seed=seed).to_csv(temporary, index=False)
        errors = completeness(model, texts, own, seed, found, asked["totals"])
        with whole(completeness_path) as temporary:
            errors.assign(**snakemake.wildcards, seed=seed).to_parquet(temporary, index=False)
