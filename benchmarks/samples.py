"""States and outputs of known information, for everything that is timed."""

from dataclasses import replace

from attinfo.blocks.estimators import ESTIMATORS
from attinfo.information.calibration import sample_of
from attinfo.information.sample import Sample, with_permutations
from attinfo.information.tasks import Task, gaussian

INFORMATION, RANK = 0.2, 4.0  # nats; effective rank of the states
PERMUTATIONS = 100


def drawn(texts: int, width: int, seed: int = 1) -> tuple[Task, Sample]:
    """Normal classes of known information."""
    task = gaussian(texts, width, 2, RANK, INFORMATION, seed)
    return task, sample_of(task, seed)


def permuted(sample: Sample) -> Sample:
    """The sample with permutations of its output."""
    return replace(sample, output=with_permutations(sample.output[:, 0], PERMUTATIONS, 1))


def estimate(name: str, sample: Sample, **options: str) -> float:
    """An estimate in nats, by its name."""
    return float(ESTIMATORS[name].load()(sample, **options).pvi.mean())
