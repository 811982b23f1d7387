"""The files that jobs read, as lists or as functions of a job's wildcards."""

from attinfo.figures.catalogue import place

PREPARED = [f"results/data/{INPUTS.data_key(name)}" for name in STUDY.prepared_datasets]


def prepared(wildcards):
    """Return the folder of the prepared data set that a run reads."""
    return f"results/data/{INPUTS.data_key(wildcards.dataset)}"


def runs_of(seeds, name):
    """List one file of the runs of these seeds; other wildcards stay open."""
    return expand(f"{RUNS}/{name}", seed=seeds, allow_missing=True)


def estimates_of(name):
    """List one file for each seed and estimator, sorted by seed; other wildcards stay open."""
    files = [f"{seed}/{name}" for seed in STUDY.seeds]
    return expand(
        expand(f"{GROUPS}/{{file}}", file=files, allow_missing=True),
        estimator=STUDY.information.estimators,
        allow_missing=True,
    )


def groups_of(name):
    """List one file for each cell and variant of the study."""
    return [f"{RESULTS}/runs/{group}/{name}" for group in STUDY.groups]


def all_runs(name):
    """List one file for each run of the study, sorted by cell, variant and seed."""
    return [
        f"{RESULTS}/runs/{group}/{seed}/{name}" for group in STUDY.groups for seed in STUDY.seeds
    ]


def runs_on_dataset(*names):
    """Return a function for some files of each run on the data set of the wildcards."""
    return lambda w: [
        f"{RESULTS}/runs/{run.path}/{name}"
        for run in STUDY.runs
        if run.dataset == w.dataset
        for name in names
    ]


def all_models(name):
    """List one file for each model that the study trains."""
    return [f"{RESULTS}/runs/{run.path}/{name}" for run in STUDY.trainings]


def deleted_files():
    """List the files of runs and cells that are missing beside files that came later.

    Snakemake does not make a file again while all that is made from it is there. Only these files
    are listed: looking up all files makes the dry run of a large study a fifth longer.
    """
    if not STUDY.grid:
        return deleted_files_of_audits()
    later = any(Path(path).exists() for path in FINAL)
    files = {}
    for path in all_models("model.safetensors"):
        files.setdefault(Path(path).parents[1], []).append(path)
    names = [name for name in MADE_FROM if name != "model.safetensors"]
    for group in STUDY.groups:
        folder = Path(RESULTS, "runs", group)
        own = [f"{folder}/{seed}/{name}" for seed in STUDY.seeds for name in names]
        cell = [f"{folder}/{name}" for name in ("agreement.csv", "texts.parquet")]
        files.setdefault(folder, []).extend(own + cell)
    missing = [path for path in calibrations() if later and not Path(path).exists()]
    for own in files.values():
        found = [Path(path).exists() for path in own]
        if later or any(found):
            missing += [path for path, there in zip(own, found) if not there]
    return missing + deleted_files_of_audits()


def deleted_files_of_audits():
    """List the files of audited models that are missing although their answer is there."""
    missing = []
    for name, audited in STUDY.models.items():
        for checkpoint in audited.checkpoints:
            folder = Path(RESULTS, "models", name, str(checkpoint))
            own = [f"{folder}/{file}" for file in OPTIONS.audit_files(name)]
            if (folder / "answer.json").exists():
                missing += [path for path in own if not Path(path).exists()]
    return missing


def calibrations():
    """List the calibration tables, one for each data set of classes and estimator."""
    return expand(
        f"{RESULTS}/calibration/{{dataset}}/{{estimator}}.csv",
        dataset=[n for n in STUDY.used_datasets if STUDY.datasets[n].output == "class"],
        estimator=OPTIONS.calibrated,
    )


def models_of(seeds):
    """Return a function for the weights that a variant runs: its own, or the trained model's."""

    def weights(wildcards):
        own = variant_of(wildcards.variant).trains
        return weights_of(wildcards.variant if own else "trained", wildcards, seeds)

    return weights


def teachers_of(seeds):
    """Return a function for the trained models of a cell, where a variant starts from them."""

    def weights(wildcards):
        needed = variant_of(wildcards.variant).needs_trained
        return weights_of("trained", wildcards, seeds) if needed else []

    return weights


def weights_of(variant, wildcards, seeds):
    """List the weights of a variant's models in the cell of the wildcards."""
    return expand(f"{RUNS}/model.safetensors", **{**wildcards, "variant": variant, "seed": seeds})


def vectors_path(dataset, encoder):
    """Return the file of word vectors that embeddings of a data set and an encoder start from."""
    key = INPUTS.vectors_key(dataset, encoder)
    return f"results/data/vectors/{INPUTS.data_key(dataset)}-{key}.safetensors"


def vectors_of(wildcards):
    """List the file of word vectors that a cell's embeddings start from; empty if there is none."""
    pair = wildcards.dataset, wildcards.encoder
    return [vectors_path(*pair)] if INPUTS.vectors(*pair) else []


def features_of(wildcards):
    """List the features that a frozen pretrained encoder reads; empty for other encoders."""
    key, fine_tune = INPUTS.pretrained_key(wildcards.encoder)
    if key is None or fine_tune:
        return []
    return [f"results/data/features/{INPUTS.data_key(wildcards.dataset)}-{key}"]


def fine_tuned_files(wildcards):
    """List the local files of a pretrained model that a cell fine-tunes."""
    key, fine_tune = INPUTS.pretrained_key(wildcards.encoder)
    return INPUTS.pretrained_files(key) if fine_tune else []


def yardstick_of(wildcards):
    """List the table of the data set's lexicon; empty if it has none."""
    key = INPUTS.yardstick_key(wildcards.dataset)
    return [] if key is None else [f"results/data/raw/{key}.parquet"]


def figure_path(name, dataset, suffix):
    """Return the path of a figure; figures of one data set are in a folder of its name."""
    return f"{RESULTS}/figures/{place(name, dataset)}{suffix}"
