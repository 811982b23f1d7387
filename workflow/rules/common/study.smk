"""The study that the config describes, and the names of its files."""

from functools import cache
import re
from shutil import which

from snakemake.utils import update_config
import yaml

from attinfo.config.inputs import VECTOR_PACKAGES, Inputs
from attinfo.config.stage_options import StageOptions
from attinfo.config.study import Study
from attinfo.data.early_checks import check_files
from attinfo.blocks.variant import Variant
from attinfo.runtime.batches import batches

# The data sets that every study may name. (Not a `configfile`: a workflow that imports this one
# gives a config of its own, and those are then not read.)
CATALOGUE = yaml.safe_load(Path(beside("datasets.yaml")).read_text("utf-8"))
update_config(CATALOGUE, config)

try:
    STUDY = Study.checked(CATALOGUE)
    INPUTS = Inputs(STUDY)
    OPTIONS = StageOptions(STUDY)
    if workflow.is_main_process:  # jobs of a cluster read the workflow again
        check_files(INPUTS)
except InputError as error:
    sys.exit(str(error))

if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method and not which("conda"):
    sys.exit("--sdm conda needs the command conda (24.7.1 or newer), which is not on PATH here")
if workflow.is_main_process:
    logger.info(STUDY.plan())

RESULTS = f"results/{STUDY.study}"
GROUP = "{dataset}/{encoder}/{attention}/{normaliser}/{variant}"
GROUPS = f"{RESULTS}/runs/{GROUP}"
RUNS = f"{GROUPS}/{{seed}}"
FINAL = [
    f"{RESULTS}/{name}"
    for name in ("report.html", "claims.csv", "information.parquet", "agreement.csv")
    if STUDY.grid
]
FINAL += [f"{RESULTS}/audit.html"] if STUDY.models else []


wildcard_constraints:
    key="|".join(re.escape(INPUTS.data_key(name)) for name in STUDY.prepared_datasets),
    source="|".join(map(re.escape, INPUTS.sources)),
    dataset="|".join(map(re.escape, STUDY.used_datasets)),
    variant="|".join(
        re.escape(v) for v in dict.fromkeys(run.variant for run in STUDY.trainings + STUDY.runs)
    ),
    seed=r"\d+",
    vectors="[0-9a-f]{8}",
    pretrained="[0-9a-f]{8}",
    estimator="|".join(OPTIONS.estimators),


@cache
def variant_of(name):
    """Return what a variant changes."""
    return Variant.of(STUDY.variant(name))


def files_of(group):
    """Return a function that names the files of a run by its seed, with the keys of `MADE_FROM`."""
    cell, name = group.rsplit("/", 1)
    variant = variant_of(name)
    reads_trained = variant.needs_trained or not variant.trains

    def files(seed):
        found = {name: f"{RESULTS}/runs/{group}/{seed}/{name}" for name in MADE_FROM}
        if reads_trained:
            found["trained"] = f"{RESULTS}/runs/{cell}/trained/{seed}/model.safetensors"
        return found

    return files


MODEL = ["trained", "model.safetensors"]
STATES = [*MODEL, "states.safetensors"]
ESTIMATES = [
    f"{kind}/{estimator}.parquet"
    for kind in ("information", "pointwise")
    for estimator in STUDY.information.estimators
]
MADE_FROM = {
    "model.safetensors": ["trained"],
    "states.safetensors": MODEL,
    **{name: ["states.safetensors"] for name in ESTIMATES},
    "importance.parquet": STATES,
    "completeness.parquet": STATES,
    "seconds.csv": STATES,
    "faithfulness.parquet": [*STATES, "pointwise/linear.parquet", "importance.parquet"],
}


def seeds_together():
    """Decide which seeds a job takes, from the files that are there."""
    groups = dict.fromkeys([run.group for run in STUDY.trainings] + STUDY.groups)
    made_from = {"trained": []} | MADE_FROM
    each = [files_of(group) for group in groups]
    return batches(STUDY.seeds, STUDY.batch, each, made_from, unfinished_files())


BATCHES = batches_for(STUDY.study, seeds_together)
