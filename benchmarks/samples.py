"""States and outputs of known mutual information, used by the benchmarks of estimators."""

from dataclasses import replace

from attinfo.blocks.estimators import ESTIMATORS
from attinfo.information.calibration import sample_of
from attinfo.information.sample import Sample, with_permutations
from attinfo.information.tasks import Task, gaussian

INFORMATION, RANK = 0.2, 4.0  # mutual information in nats; effective rank of the states
PERMUTATIONS = 100


def drawn(texts: int, width: int, seed: int = 1) -> tuple[Task, Sample]:
    """Two normal classes of known mutual information, as a task and as a sample [texts, width]."""
    task = gaussian(texts, width, 2, RANK, INFORMATION, seed)
    return task, sample_of(task, seed)


def permuted(sample: Sample) -> Sample:
    """The sample with `PERMUTATIONS` permutations of its output, for the null."""
    return replace(sample, output=with_permutations(sample.output[:, 0], PERMUTATIONS, 1))


def estimate(name: str, sample: Sample, **options: str) -> float:
    """The estimate in nats by the estimator `name`.

    Raises:
        KeyError: no estimator has this name.
    """
    return float(ESTIMATORS[name].load()(sample, **options).pvi.mean())
