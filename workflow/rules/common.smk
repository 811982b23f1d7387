"""What the stages share: the validated study, its paths, and the code that a job depends on."""

import os
import re
import sys
from pathlib import Path
from shutil import which

LIBRARY = f"{workflow.basedir}/workflow"
sys.path.insert(0, LIBRARY)
# Jobs, those in conda environments and on other machines too, find the library by this.
os.environ["PYTHONPATH"] = LIBRARY


envvars:
    "PYTHONPATH",


from snakemake.settings.types import DeploymentMethod

from attinfo.config import Study
from attinfo.cost import slowest_rules
from attinfo.errors import InputError
from attinfo.provenance import sources
from attinfo.registry import entries

try:
    STUDY = Study.checked(config)
    STUDY.check_files()
except InputError as error:
    sys.exit(str(error))

if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method and not which("conda"):
    sys.exit("--sdm conda needs the command conda (24.7.1 or newer), which is not on PATH here")

RESULTS = f"results/{STUDY.study}"
GROUP = "{dataset}/{encoder}/{attention}/{normaliser}/{variant}"
GROUPS = f"{RESULTS}/runs/{GROUP}"
RUNS = f"{GROUPS}/{{seed}}"
TASKS = list(entries("task"))
if workflow.is_main_process:
    logger.info(STUDY.plan())


wildcard_constraints:
    key="|".join(re.escape(STUDY.data_key(name)) for name in STUDY.used_datasets),
    source="|".join(map(re.escape, STUDY.sources)),
    dataset="|".join(map(re.escape, STUDY.used_datasets)),
    variant="|".join(
        re.escape(v) for v in dict.fromkeys(run.variant for run in STUDY.models + STUDY.runs)
    ),
    seed=r"\d+",
    vectors="[0-9a-f]{8}",
    pretrained="[0-9a-f]{8}",
    task="|".join(TASKS),


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
    return f"results/data/{STUDY.data_key(wildcards.dataset)}"


def seeds_of(pattern):
    """One path for each seed of the study, other wildcards left open."""
    return expand(pattern, seed=STUDY.seeds, allow_missing=True)


def groups_of(name):
    """One path for each cell and variant of the study."""
    return [f"{RESULTS}/runs/{group}/{name}" for group in STUDY.groups]


def cell_options(wildcards):
    """The architecture of a cell and its variant, as plain values."""
    blocks = (
        getattr(wildcards, kind) for kind in ("dataset", "encoder", "attention", "normaliser")
    )
    return {
        "model": STUDY.model_options(*blocks),
        "variant": STUDY.block("variant", wildcards.variant),
    }


def weights_of(variant, wildcards, **seeds):
    """The weights of a cell's models of a variant."""
    return expand(f"{RUNS}/model.safetensors", **{**wildcards, "variant": variant, **seeds})


def models_of(wildcards):
    """The weights that a variant is evaluated with: its own, or those of the trained model."""
    own = STUDY.variant(wildcards.variant).trains
    return weights_of(wildcards.variant if own else "trained", wildcards, seed=STUDY.seeds)


def teachers_of(wildcards):
    """The trained model of the same cell and seed, where a variant's own model needs it."""
    if not STUDY.variant(wildcards.variant).needs_trained:
        return []
    return weights_of("trained", wildcards, seed=getattr(wildcards, "seed", STUDY.seeds))


def vectors_path(dataset, encoder):
    """The word vectors that the embeddings of a data set and an encoder start from."""
    key = STUDY.vectors_key(dataset, encoder)
    return f"results/data/vectors/{STUDY.data_key(dataset)}-{key}.safetensors"


def vectors_of(wildcards):
    """The word vectors that a cell's embeddings start from, if the study has any."""
    pair = wildcards.dataset, wildcards.encoder
    return [vectors_path(*pair)] if STUDY.vectors(*pair) else []


def features_of(wildcards):
    """The features that a frozen pretrained encoder reads."""
    key, fine_tune = STUDY.pretrained_key(wildcards.encoder)
    if key is None or fine_tune:
        return []
    return [f"results/data/features/{STUDY.data_key(wildcards.dataset)}-{key}"]


def fine_tuned_files(wildcards):
    """The local files of a pretrained model that the cell fine-tunes."""
    key, fine_tune = STUDY.pretrained_key(wildcards.encoder)
    return STUDY.pretrained_files(key) if fine_tune else []


def yardstick_of(wildcards):
    """The words that people find telling, where the data set names such a table."""
    key = STUDY.yardstick_key(wildcards.dataset)
    return [] if key is None else [f"results/data/raw/{key}.parquet"]


def figure_path(name, dataset, suffix):
    """Where a figure stands: those of one data set in a folder of its name."""
    folder = "" if dataset == "all" else f"{dataset}/"
    return f"{RESULTS}/figures/{folder}{name}{suffix}"


def cost_summary():
    """The slowest rules of the study, as text."""
    return slowest_rules(f"{RESULTS}/benchmarks")
