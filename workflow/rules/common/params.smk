"""What a job depends on beside its files: options as plain values, code, and which files it reads.

A job runs again if one of its params changes. No param names the seeds of a job's batch, so that a
run is the same job whatever other seeds are beside it. The trigger `input` of Snakemake, which
compares the whole list of a job's files, is off for the same reason: `reads` stands for it.
"""

from hashlib import sha256

from attinfo.runtime.provenance import code as code_of


def code(script, *modules):
    """Return digests of a script and of the library code that it imports, by folders.

    `modules` are library modules that the script imports by their names, or a folder of data files.
    """
    return code_of(beside(f"scripts/{script}"), modules)


def model_code(script, *modules):
    """Return a function for the digests of a script and of the blocks of a cell's models."""

    def digests(w):
        own = OPTIONS.model_modules(w.encoder, w.attention, w.normaliser, w.variant)
        return code(script, *own, *modules)

    return digests


def estimator_code(script, *modules):
    """Return a function for the digests of a script and of an estimator."""
    return lambda w: code(script, *OPTIONS.estimator_modules(w.estimator, w.dataset), *modules)


def env(name):
    """Name a conda environment; doubled, braces in its path are no wildcards to Snakemake."""
    return beside(f"../envs/{name}.yaml").replace("{", "{{").replace("}", "}}")


def seeds_made(wildcards, output):
    """Return the seeds of a job's runs. Snakemake ignores params that are derived from outputs."""
    place = len(Path(RUNS).parts) - 1
    return list(dict.fromkeys(int(Path(path).parts[place]) for path in output))


def listed(*lists):
    """Return a digest of the paths that a job reads, where they are many."""
    return sha256("\n".join(map(str, flatten(lists))).encode()).hexdigest()[:12]


def flatten(paths):
    """Iterate over paths in lists of lists."""
    for path in paths:
        if isinstance(path, str):
            yield path
        else:
            yield from flatten(path)


def model_files(wildcards):
    """Name the files that a cell's models read, apart from those of runs."""
    own = [prepared(wildcards), *features_of(wildcards), *fine_tuned_files(wildcards)]
    return [*own, *vectors_of(wildcards)]


def cell_options(**more):
    """Return a function for the options of a cell's models, with what is given."""

    def options(w):
        return {
            "model": OPTIONS.model(w.dataset, w.encoder, w.attention, w.normaliser),
            "variant": STUDY.variant(w.variant),
            "device": STUDY.device,
            **{key: value(w) if callable(value) else value for key, value in more.items()},
        }

    return options


def log_of(rule_name, path):
    """Name the log of a rule's jobs; `path` holds the wildcards that differ between them."""
    return f"{RESULTS}/logs/{rule_name}/{path}.log"


def benchmark_of(rule_name, path):
    """Name the file with the time and memory of a rule's jobs."""
    return f"{RESULTS}/benchmarks/{rule_name}/{path}.tsv"


def growing(amount):
    """Return a resource that grows with each attempt at a job; the profile allows retries."""
    return lambda wildcards, attempt: amount * attempt


def rule_of(stage, seeds):
    """Name a stage's rule for a batch of seeds; the first batch has the stage's own name."""
    return stage if seeds == BATCHES[0] else f"{stage}_from_{seeds[0]}"
