"""What the stages share: the validated study, its paths, and the code that a job depends on."""

import os
import re
import sys
import threading
from pathlib import Path
from shutil import which

LIBRARY = f"{workflow.basedir}/workflow"
sys.path.insert(0, LIBRARY)
# Jobs, those in conda environments and on other machines too, find the library by this.
os.environ["PYTHONPATH"] = LIBRARY


envvars:
    "PYTHONPATH",


from snakemake.settings.types import DeploymentMethod

from attinfo.runtime.lock import holder, refusal, take
from attinfo.config.inputs import Inputs
from attinfo.config.stage_options import StageOptions
from attinfo.config.study import Study
from attinfo.runtime.cost import slowest_rules
from attinfo.runtime.errors import InputError
from attinfo.models.variant import Variant
from attinfo.figures.catalogue import place
from attinfo.runtime.provenance import sources

try:
    STUDY = Study.checked(config)
    INPUTS = Inputs(STUDY)
    OPTIONS = StageOptions(STUDY)
    INPUTS.check_files()
except InputError as error:
    sys.exit(str(error))

if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method and not which("conda"):
    sys.exit("--sdm conda needs the command conda (24.7.1 or newer), which is not on PATH here")

RESULTS = f"results/{STUDY.study}"
GROUP = "{dataset}/{encoder}/{attention}/{normaliser}/{variant}"
GROUPS = f"{RESULTS}/runs/{GROUP}"
RUNS = f"{GROUPS}/{{seed}}"
LOCK = Path(".snakemake/run.lock")
if workflow.is_main_process:
    logger.info(STUDY.plan())
    if holder(LOCK):
        logger.warning(refusal(LOCK))
    else:  # what a killed run has left behind, whose own lock died with it
        for stale in Path(".snakemake/locks").glob("*.lock"):
            stale.unlink()


# Of a real run only, in its main process: Snakemake runs it neither in a dry run nor in a job.
onstart:
    try:
        take(LOCK)
    except InputError as error:
        sys.exit(str(error))
    if workflow.executor_plugin.name == "slurm":
        prepare_cluster(workflow.executor_settings)


def stop_timers():
    """Snakemake's timers for submitting more jobs would hold it for ten seconds more."""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()


onsuccess:
    print(slowest_rules(f"{RESULTS}/benchmarks"))
    stop_timers()


onerror:
    stop_timers()


wildcard_constraints:
    key="|".join(re.escape(INPUTS.data_key(name)) for name in STUDY.used_datasets),
    source="|".join(map(re.escape, INPUTS.sources)),
    dataset="|".join(map(re.escape, STUDY.used_datasets)),
    variant="|".join(
        re.escape(v) for v in dict.fromkeys(run.variant for run in STUDY.models + STUDY.runs)
    ),
    seed=r"\d+",
    vectors="[0-9a-f]{8}",
    pretrained="[0-9a-f]{8}",
    estimator="|".join(OPTIONS.calibrated),


def code(script):
    """The script and every library file it imports: inputs of its rule, so that edits rerun it."""
    files = sources(f"{workflow.basedir}/workflow/scripts/{script}")
    return [os.path.relpath(file, workflow.basedir) for file in files]


def log_of(rule_name, path):
    """Where the jobs of a rule log; `path` holds the wildcards that tell them apart."""
    return f"{RESULTS}/logs/{rule_name}/{path}.log"


def benchmark_of(rule_name, path):
    """Where the time and memory of a rule's jobs are kept."""
    return f"{RESULTS}/benchmarks/{rule_name}/{path}.tsv"


def prepared(wildcards):
    """The prepared data set that a run reads."""
    return f"results/data/{INPUTS.data_key(wildcards.dataset)}"


def growing(amount):
    """A resource that grows with each attempt at a job; retries are the profile's to allow."""
    return lambda wildcards, attempt: amount * attempt


def rule_of(stage, seeds):
    """The name of a stage's rule for a batch of seeds; that for the first is the stage's own."""
    return stage if seeds == STUDY.batches[0] else f"{stage}_from_{seeds[0]}"


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


def cell_options(seeds, **more):
    """The architecture of a cell, its variant and the seeds, as plain values, and what is given."""

    def options(wildcards):
        blocks = (
            getattr(wildcards, kind) for kind in ("dataset", "encoder", "attention", "normaliser")
        )
        return {
            "model": OPTIONS.model(*blocks),
            "variant": STUDY.variant(wildcards.variant),
            "seeds": seeds,
            "device": STUDY.device,
            **{key: value(wildcards) if callable(value) else value for key, value in more.items()},
        }

    return options


def training_options(wildcards):
    """How the models of a data set are trained."""
    return OPTIONS.training(wildcards.dataset)


def information_options(seeds):
    """The settings of one estimator, and the seeds."""
    return lambda wildcards: OPTIONS.information(wildcards.estimator) | {"seeds": seeds}


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
