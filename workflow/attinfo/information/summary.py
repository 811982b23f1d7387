"""Summary of the result of an estimator: estimate, permutation null, interval and flags."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from attinfo.data.groups import FOLDS
from attinfo.information.deterministic import separable
from attinfo.information.sample import Measured, Sample
from attinfo.runtime.loading import Chosen

NEARLY_ALL = 0.75  # of the output's entropy: from here on it is asked whether the state decides it
ONE_COLUMN = 0.9  # of the squared width of all columns in one: then only this one is seen
WIDTHS_OF = 2048  # states, from which the widths of columns are taken
HELD = 2**27  # numbers, of texts x classes x permutations, that an estimator gets at a time


@dataclass(frozen=True)
class Estimate:
    """Information between states and output, in nats.

    Attributes:
        mi_nats: the estimate, as it is: it may be negative.
        pvi: [n] pointwise information log q(y | h) / p(y) at the realised output (Ethayarajh et
            al. 2022); its mean is the estimate.
        gain: [n] KL(q(y | h) || p(y)) >= 0, what the state says about the output whatever that
            turns out to be; None where the method has no posterior.
        h_output: entropy of the observed classes (plug-in), the most there can be; None where the
            output is continuous.
        floor_mean, floor_upper: mean and 95 % point of the estimates under permuted outputs;
            None without permutations.
        ci_low, ci_high: 95 % interval of the estimator's own mean over texts, or groups of them, by
            the normal approximation; it says nothing of the estimator's bias.
        flags: what to know before trusting the number, see `attinfo.information.flags.FLAGS`.
        output_kind: "classes" or "continuous", as asked for or inferred.
        groups: number of groups of texts that were kept together; None where each is on its own.
        copies: rows that were taken for copies of others. They have the pointwise values of those,
            and are not counted in any mean.
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
    output_kind: str
    groups: int | None
    copies: int = 0


def entropy(output: np.ndarray) -> float:
    """Entropy of the observed classes, in nats (plug-in)."""
    share = np.bincount(output) / len(output)
    return float(-(share[share > 0] * np.log(share[share > 0])).sum())


def clustered_error(pointwise: np.ndarray, cluster: np.ndarray) -> float:
    """Standard error of the mean of values that are dependent within each cluster.

    Args:
        pointwise: [n] values.
        cluster: [n] number of the text, or group of texts, of each.
    """
    n = len(pointwise)
    sums = np.bincount(cluster, pointwise - pointwise.mean())
    return float(np.sqrt((sums**2).sum()) / n)


def measured(estimator: Chosen, sample: Sample) -> Measured:
    """What an estimator finds; zero where output or states do not vary.

    Where there are very many classes, some permutations at a time, to bound the memory.

    Args:
        estimator: with its options.
        sample: what it gets.
    """
    if silent(sample):
        zeros = torch.zeros(len(sample.text), dtype=torch.float64)
        null = torch.zeros(sample.output.shape[1] - 1, dtype=torch.float64)
        return Measured(pvi=zeros, gain=zeros, null=null)
    find = partial(estimator.load(), **estimator.options)
    columns = sample.output.shape[1]
    step = max(1, HELD // (len(sample.text) * max(1, sample.classes)) - 1)
    if step >= columns - 1:
        found: Measured = find(sample)
        return found
    parts = [
        find(sample.of_columns([0, *range(start, min(start + step, columns))]))
        for start in range(1, columns, step)
    ]
    return replace(parts[0], null=torch.cat([part.null for part in parts]))


def silent(sample: Sample) -> str | None:
    """The flag of a sample without any information, if it is one."""
    if bool((sample.output[:, 0] == sample.output[0, 0]).all()):
        return "constant_output"
    return "constant_states" if bool((sample.hidden == sample.hidden[0]).all()) else None


def summary(found: Measured, sample: Sample, options: Mapping[str, Any]) -> Estimate:
    """The estimate with its permutation null, interval and the flags of the sample alone.

    Args:
        found: by an estimator with these `options`.
        sample: what it was given.
    """
    pvi, null = found.pvi.cpu().numpy(), found.null.cpu().numpy()
    mi, error = float(pvi.mean()), clustered_error(pvi, sample.cluster.cpu().numpy())
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
        output_kind="classes" if sample.classes else "continuous",
        groups=None if sample.group is None else len(sample.group.unique()),
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
        "one_column_decides": "metric" in options and one_column_decides(sample.hidden),
    }
    return [flag for flag, is_raised in raised.items() if is_raised]


def one_column_decides(hidden: torch.Tensor) -> bool:
    """Whether one column of the states [n, d] holds nearly all of the distances between them.

    The size of a column is the width of its middle 90 %, or, where those are all one value, four
    standard deviations.
    """
    if hidden.shape[1] == 1:
        return False
    states = hidden[:: max(1, len(hidden) // WIDTHS_OF)].numpy(force=True).astype(np.float64)
    states /= np.abs(states / 2 - (states / 2).mean(0)).max()
    low, high = len(states) // 20, len(states) - 1 - len(states) // 20
    column = np.partition(states, (low, high), axis=0)
    width = column[high] - column[low]
    squared = np.where(width > 0, width, 4 * states.std(0, ddof=1)) ** 2
    return bool(squared.max() > ONE_COLUMN * squared.sum())
