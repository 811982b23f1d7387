"""From what an estimator measured to what a reader is told: estimate, floor, interval, flags."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from attinfo.information.deterministic import separable
from attinfo.information.estimators.registered import CONTINUOUS, ESTIMATORS
from attinfo.information.sample import Measured, Sample

FOLDS = 5  # of every cross-fitting
NEARLY_ALL = 0.75  # of the output's entropy: from here on it is asked whether the state decides it


@dataclass(frozen=True)
class Estimate:
    """Information between states and output, in nats.

    Attributes:
        mi_nats: the estimate, as it is: it may be negative.
        pvi: [n] pointwise information log q(y | h) / p(y) at the realised output (Ethayarajh et
            al. 2022); its mean is the estimate.
        gain: [n] KL(q(y | h) || p(y)) >= 0, what the state tells whatever the output turns out to
            be; None where the method has no posterior.
        h_output: entropy of the observed classes (plug-in), the most there can be; None where the
            output is continuous.
        floor_mean, floor_upper: mean and 95 % point of the estimates under permuted outputs;
            None without permutations.
        ci_low, ci_high: 95 % interval of the estimator's own mean over texts, by the normal
            approximation; it says nothing of the estimator's bias.
        flags: what to know before trusting the number, see `attinfo.information.flags.FLAGS`.
    """

    mi_nats: float
    pvi: np.ndarray = field(repr=False)
    gain: np.ndarray | None = field(repr=False)
    h_output: float | None
    floor_mean: float | None
    floor_upper: float | None
    ci_low: float
    ci_high: float
    flags: tuple[str, ...]


def entropy(output: np.ndarray) -> float:
    """Entropy of the observed classes, in nats (plug-in)."""
    share = np.bincount(output) / len(output)
    return float(-(share[share > 0] * np.log(share[share > 0])).sum())


def clustered_error(pointwise: np.ndarray, text: np.ndarray) -> float:
    """Standard error of the mean of values that are dependent within each text."""
    n = len(pointwise)
    sums = np.bincount(text, pointwise - pointwise.mean())
    return float(np.sqrt((sums**2).sum()) / n)


def measured(name: str, sample: Sample, options: Mapping[str, Any]) -> Measured:
    """What an estimator finds; zero where output or states do not vary."""
    if silent(sample):
        zeros = torch.zeros(len(sample.text), dtype=torch.float64)
        return Measured(pvi=zeros, gain=zeros, null=torch.zeros(sample.output.shape[1] - 1))
    registry = ESTIMATORS if sample.classes else CONTINUOUS
    return registry[name](sample, **options)


def silent(sample: Sample) -> str | None:
    """The flag of a sample in which nothing can be told, if it is one."""
    if bool((sample.output[:, 0] == sample.output[0, 0]).all()):
        return "constant_output"
    return "constant_states" if bool((sample.hidden == sample.hidden[0]).all()) else None


def summary(found: Measured, sample: Sample, options: Mapping[str, Any]) -> Estimate:
    """The estimate with its floor, interval and the flags that follow from the sample alone.

    Args:
        found: by an estimator with these `options`.
        sample: what it was given.
    """
    text = sample.text.cpu().numpy()
    pvi, null = found.pvi.cpu().numpy(), found.null.cpu().numpy()
    mi, error = float(pvi.mean()), clustered_error(pvi, text)
    h_output = entropy(sample.output[:, 0].cpu().numpy()) if sample.classes else None
    # By this rule one in twenty independent estimates is above it, from 19 permutations on.
    upper = float(np.quantile(null, 0.95, method="weibull")) if len(null) else None
    return Estimate(
        mi_nats=mi,
        pvi=pvi,
        gain=None if found.gain is None else found.gain.cpu().numpy(),
        h_output=h_output,
        floor_mean=float(null.mean()) if len(null) else None,
        floor_upper=upper,
        ci_low=mi - 1.96 * error,
        ci_high=mi + 1.96 * error,
        flags=tuple(_flags(mi, upper, h_output, sample, options)),
    )


def _flags(
    mi: float,
    upper: float | None,
    h_output: float | None,
    sample: Sample,
    options: Mapping[str, Any],
) -> list[str]:
    reason = silent(sample)
    if reason:
        return [reason]
    near_all = h_output is not None and mi > NEARLY_ALL * h_output
    needed = max(FOLDS, options.get("neighbours", 0) + 1)
    rarest = sample.output[:, 0].bincount().min() if sample.classes else needed
    raised = {
        "deterministic_output": near_all and separable(sample),
        "below_floor": upper is not None and mi <= upper,
        "above_entropy": h_output is not None and mi > h_output,
        "rare_class": rarest < needed,
        "more_dimensions_than_texts": sample.hidden.shape[1] > len(sample.output),
    }
    return [flag for flag, is_raised in raised.items() if is_raised]
