"""What the stages share: the validated study, its paths, and the code that a job depends on."""

import os
import re
import sys
from pathlib import Path

LIBRARY = f"{workflow.basedir}/workflow"
sys.path.insert(0, LIBRARY)
# Jobs, those in conda environments and on other machines too, find the library by this.
os.environ["PYTHONPATH"] = LIBRARY


envvars:
    "PYTHONPATH",


from attinfo.config import Run, Study
from attinfo.cost import slowest_rules
from attinfo.errors import InputError
from attinfo.models.variants import VARIANTS
from attinfo.provenance import sources
from attinfo.registry import entries

try:
    STUDY = Study.checked(config)
    for name in STUDY.used_datasets:
        STUDY.local_files(STUDY.data_key(name))
except InputError as error:
    sys.exit(str(error))

RESULTS = f"results/{STUDY.study}"
GROUP = "{dataset}/{encoder}/{attention}/{normaliser}/{variant}"
GROUPS = f"{RESULTS}/runs/{GROUP}"
RUNS = f"{GROUPS}/{{seed}}"
TASKS = list(entries("task"))


wildcard_constraints:
    key="|".join(re.escape(STUDY.data_key(name)) for name in STUDY.used_datasets),
    dataset="|".join(map(re.escape, STUDY.used_datasets)),
    variant="|".join(VARIANTS),
    seed=r"\d+",
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
    """The architecture of a cell, as plain values."""
    return STUDY.model_options(wildcards.encoder, wildcards.attention, wildcards.normaliser)


def models_of(wildcards):
    """The weights a variant reads: its own, or those of the trained model."""
    variant = wildcards.variant if VARIANTS[wildcards.variant].trains else "trained"
    return expand(
        f"{RUNS}/model.safetensors", **{**wildcards, "variant": variant}, seed=STUDY.seeds
    )


def cost_summary():
    """The slowest rules of the study, as text."""
    return slowest_rules(f"{RESULTS}/benchmarks")
