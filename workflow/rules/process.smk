"""Snakemake's own process: how it finds the library, its lock, its rounds and timers, its last words.

What stands here reaches into Snakemake. Each part says why, and does nothing where it cannot.
"""

import atexit
from importlib.util import find_spec
import json
import os
from pathlib import Path
import sys
import threading

from snakemake.settings.types import DeploymentMethod

# The folder of the workflow, with the library in it. A workflow that is read from a web address has
# no folder: then the library must be installed.
HOME = Path(getattr(workflow.current_basedir, "path", "")).parent
if HOME.is_absolute() and (HOME / "attinfo").is_dir():
    sys.path.insert(0, str(HOME))
    # Jobs, also those on other machines, find the library by this.
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
        # Snakemake would take the variable away from jobs in conda environments. They get it, but
        # with nothing of the user's own.
        workflow.deployment_settings.conda_not_block_search_path_envvars = True
        paths = []
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(HOME), *paths]))
elif find_spec("attinfo") is None:
    sys.exit("no package 'attinfo' here: pip install it, or use the workflow from a clone")
os.environ.setdefault("PYTHONPATH", "")
# The batches of seeds of each study, from the main process to its jobs: see `batches_for`.
os.environ.setdefault("ATTINFO_BATCHES", "{}")


envvars:
    "PYTHONPATH",
    "ATTINFO_BATCHES",


from attinfo.runtime.cost import slowest_rules
from attinfo.runtime.errors import InputError
from attinfo.runtime.failures import last_words
from attinfo.runtime.lock import holder, refusal, take


def beside(path):
    """Find a file of the workflow by its path from the workflow's Snakefile."""
    return str(HOME / path) if HOME.is_absolute() else workflow.source_path(f"../{path}")


LOCK = Path(".snakemake/run.lock")
if workflow.is_main_process:
    if holder(LOCK):
        logger.warning(refusal(LOCK))
    else:  # Snakemake's own locks, which a killed run leaves: our lock died with that run
        for stale in Path(".snakemake/locks").glob("*.lock"):
            stale.unlink()


def lift_default_limit(scheduler):
    """Let jobs start without the default limit of 100 a second; another limit is kept.

    To keep to a limit, Snakemake 9.27 asks for a round of its scheduler some time after each round,
    also after those. The rounds add up: with hundreds of jobs ready they take 40 % of a core.
    """
    limit = getattr(scheduler, "job_rate_limiter", None)
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        scheduler.job_rate_limiter = None


# Of a real run only, in its main process: Snakemake runs it neither in a dry run nor in a job.
onstart:
    try:
        take(LOCK)
    except InputError as error:
        sys.exit(str(error))
    lift_default_limit(workflow.scheduler)
    if workflow.executor_plugin.name == "slurm":
        prepare_cluster(workflow.executor_settings)


def stop_timers():
    """End the timers of a limit of jobs that was asked for: Snakemake would wait for the last."""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()


onsuccess:
    print(slowest_rules(f"{RESULTS}/benchmarks"))
    stop_timers()


# Snakemake prints four lines of its own after this block: ours come at the exit of the process.
onerror:
    jobs = [(job.rule.name, list(job.log)) for job in getattr(workflow.scheduler, "failed", ())]
    atexit.register(lambda: print(last_words(jobs), file=sys.stderr, flush=True))
    stop_timers()


def unfinished_files():
    """Find the outputs of killed jobs, which Snakemake marks in its folder by coded names.

    Where the marks cannot be read, such a file counts as finished; then a run that was killed goes
    on with more jobs than it needs.
    """
    from base64 import urlsafe_b64decode

    folder, found = Path(".snakemake/incomplete"), set()
    for mark in folder.rglob("*"):
        if mark.is_file():
            # A long name is spread over folders, each with an @ before it.
            parts = [part.removeprefix("@") for part in mark.relative_to(folder).parts]
            try:
                found.add(urlsafe_b64decode("".join(parts)).decode())
            except ValueError:
                continue
    return found


def batches_for(study, computed):
    """Return the batches of seeds of a study: the main process computes them, its jobs follow.

    A job on another machine reads the workflow again, when more files are there.
    """
    known = json.loads(os.environ["ATTINFO_BATCHES"])
    if workflow.is_main_process or study not in known:
        known[study] = computed()
        os.environ["ATTINFO_BATCHES"] = json.dumps(known)
    return known[study]
