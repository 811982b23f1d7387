"""Inputs and options of the jobs of an audit."""


def base_of(wildcards):
    """List the folder of a model that comes in a package; empty if it does not."""
    key = INPUTS.package_key(wildcards.model)
    return [f"results/data/models/{key}"] if key else []


def audited_model(wildcards):
    """List the folder of the model that is audited, if a job makes it."""
    if STUDY.models[wildcards.model].fine_tune:
        return [f"{RESULTS}/models/{wildcards.model}/{wildcards.checkpoint}/fine_tuned"]
    return base_of(wildcards)


def model_files_of(wildcards):
    """List the files of a model in a local folder."""
    return INPUTS.model_files(wildcards.model, int(wildcards.checkpoint))


def audited_data(wildcards):
    """Return the folder of the prepared data set that a model reads."""
    return f"results/data/{INPUTS.data_key(STUDY.models[wildcards.model].dataset)}"


def lexicon_of(wildcards):
    """List the table of the lexicon of a model's data set; empty if it has none."""
    key = INPUTS.yardstick_key(STUDY.models[wildcards.model].dataset)
    return [] if key is None else [f"results/data/raw/{key}.parquet"]


def audit_options(**more):
    """Return a function for the options of a model's audit, with what is given."""

    def options(w):
        own = OPTIONS.audit(w.model, int(w.checkpoint))
        return own | {key: value(w) if callable(value) else value for key, value in more.items()}

    return options
