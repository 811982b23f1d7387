"""The files that jobs read, as lists or as functions of a job's wildcards."""

from attinfo.figures.catalogue import place
from attinfo.models.variant import Variant

PREPARED = [f"results/data/{INPUTS.data_key(name)}" for name in STUDY.used_datasets]


def prepared(wildcards):
    """The prepared data set that a run reads."""
    return f"results/data/{INPUTS.data_key(wildcards.dataset)}"


def runs_of(seeds, name):
    """A file of each of the seeds' runs, other wildcards left open."""
    return expand(f"{RUNS}/{name}", seed=seeds, allow_missing=True)


def estimates_of(name):
    """A file of each seed's run and each of its estimates, those of a run one after the other."""
    files = [f"{seed}/{name}" for seed in STUDY.seeds]
    return expand(
        expand(f"{GROUPS}/{{file}}", file=files, allow_missing=True),
        estimator=STUDY.information.estimators,
        allow_missing=True,
    )


def groups_of(name):
    """One path for each cell and variant of the study."""
    return [f"{RESULTS}/runs/{group}/{name}" for group in STUDY.groups]


def all_runs(name):
    """A file of every run of the study, the seeds of a cell and variant one after the other."""
    return [
        f"{RESULTS}/runs/{group}/{seed}/{name}" for group in STUDY.groups for seed in STUDY.seeds
    ]


def every_stage():
    """The files of every run, cell and data set that later stages read."""
    estimates = expand(
        all_runs("information/{estimator}.parquet") + all_runs("pointwise/{estimator}.parquet"),
        estimator=STUDY.information.estimators,
    )
    names = ("states.safetensors", "importance.parquet", "faithfulness.parquet")
    runs = [path for name in names for path in all_runs(name)]
    models = [f"{RESULTS}/runs/{run.path}/model.safetensors" for run in STUDY.models]
    cells = groups_of("agreement.csv") + groups_of("texts.parquet")
    return [*models, *runs, *estimates, *cells, *calibrations()]


def calibrations():
    """The calibration of each estimator on each data set."""
    return expand(
        f"{RESULTS}/calibration/{{dataset}}/{{estimator}}.csv",
        dataset=STUDY.used_datasets,
        estimator=OPTIONS.calibrated,
    )


def models_of(seeds):
    """The weights that a variant is evaluated with: its own, or those of the trained model."""

    def weights(wildcards):
        own = Variant.of(STUDY.variant(wildcards.variant)).trains
        return weights_of(wildcards.variant if own else "trained", wildcards, seeds)

    return weights


def teachers_of(seeds):
    """The trained models of the same cell and seeds, where a variant's own models need them."""

    def weights(wildcards):
        needed = Variant.of(STUDY.variant(wildcards.variant)).needs_trained
        return weights_of("trained", wildcards, seeds) if needed else []

    return weights


def weights_of(variant, wildcards, seeds):
    """The weights of a cell's models of a variant."""
    return expand(f"{RUNS}/model.safetensors", **{**wildcards, "variant": variant, "seed": seeds})


def vectors_path(dataset, encoder):
    """The word vectors that the embeddings of a data set and an encoder start from."""
    key = INPUTS.vectors_key(dataset, encoder)
    return f"results/data/vectors/{INPUTS.data_key(dataset)}-{key}.safetensors"


def vectors_of(wildcards):
    """The word vectors that a cell's embeddings start from, if the study has any."""
    pair = wildcards.dataset, wildcards.encoder
    return [vectors_path(*pair)] if INPUTS.vectors(*pair) else []


def features_of(wildcards):
    """The features that a frozen pretrained encoder reads."""
    key, fine_tune = INPUTS.pretrained_key(wildcards.encoder)
    if key is None or fine_tune:
        return []
    return [f"results/data/features/{INPUTS.data_key(wildcards.dataset)}-{key}"]


def fine_tuned_files(wildcards):
    """The local files of a pretrained model that the cell fine-tunes."""
    key, fine_tune = INPUTS.pretrained_key(wildcards.encoder)
    return INPUTS.pretrained_files(key) if fine_tune else []


def yardstick_of(wildcards):
    """The words that people find telling, where the data set names such a table."""
    key = INPUTS.yardstick_key(wildcards.dataset)
    return [] if key is None else [f"results/data/raw/{key}.parquet"]


def figure_path(name, dataset, suffix):
    """Where a figure stands: those of one data set in a folder of its name."""
    return f"{RESULTS}/figures/{place(name, dataset)}{suffix}"
