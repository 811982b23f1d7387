"""A cluster: whether it will take the jobs, before the first is submitted."""

from attinfo.runtime.slurm import Queue, ready


# On the machine where Snakemake runs: nodes often have no network, and a second is no job.
localrules:
    download,
    preflight,


def each_batch(asked):
    """What `--set-resources` or a profile asks for a stage, asked for all batches of seeds."""
    rules = {rule_of(stage, seeds): asked[stage] for seeds in BATCHES for stage in asked}
    return rules | dict(asked)


workflow.resource_settings.overwrite_resources = each_batch(
    workflow.resource_settings.overwrite_resources
)


def queues_of(jobs):
    """The accounts and partitions of jobs, one job of each rule taken for all."""
    jobs = {job.rule.name: job for job in jobs if not job.is_local}.values()
    keys = "slurm_account", "slurm_partition"
    return {Queue(*(str(job.resources.get(key) or "") for key in keys)) for job in jobs}


def prepare_cluster(settings):
    """Check the cluster, and read the states of jobs by a command that answers."""
    # The plugin asks every 180 s at least, and takes squeue only up to a third of MinJobAge.
    longest_wait = max(180, 3 * settings.init_seconds_before_status_checks)
    queues = queues_of(workflow.dag.needrun_jobs())
    try:
        found = ready(queues, Path.cwd(), settings.status_command, longest_wait)
    except InputError as error:
        sys.exit("\n".join(f"cluster: {line}" for line in str(error).splitlines()))
    settings.status_command, notes = found
    for note in notes:
        logger.warning(f"cluster: {note}")
