"""Information between a reader's own arrays: checked, and estimated in one call."""

from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attinfo.blocks.catalogue import with_defaults
from attinfo.information.deterministic import linear_in
from attinfo.information.sample import Sample, folds, with_permutations
from attinfo.information.summary import FOLDS, Estimate, measured, silent, summary

FEWEST = 50  # texts
MOST_CLASSES = 1000


def estimate(
    hidden: Any,
    output: Any,
    estimator: str = "stack",
    *,
    seed: int = 0,
    permutations: int = 100,
    **options: Any,
) -> Estimate:
    """Mutual information I(H; Y) between states and a model's output, in nats.

    Args:
        hidden: [n, d] states, one a text: array or tensor of any float type, on any device.
        output: [n] classes (whole numbers, booleans or texts), or [n] or [n, c] floats, such as
            a logit margin. Floats are made normal by their ranks, one column at a time, which
            leaves the information of each as it is.
        estimator: a name from `ESTIMATORS`, or from `CONTINUOUS` where the output is floats.
        seed: of folds and permutations.
        permutations: of the output, for the floor; 0 leaves it out.
        options: of the estimator.

    Returns:
        The estimate with its floor, interval and flags; what the flags say stands in `FLAGS`.

    Raises:
        ValueError: what is wrong with an argument, in one line.
    """
    states = _states(hidden)
    classes, values = _output(output, states.device)
    if len(values) != len(states):
        raise ValueError(f"hidden has {len(states)} states, output {len(values)}: expected as many")
    told = values if classes else torch.stack([_normal_scores(column) for column in values.T], 1)
    options = with_defaults("estimator" if classes else "continuous estimator", estimator, options)
    if not isinstance(permutations, Integral) or permutations < 0:
        raise ValueError(f"permutations is {permutations!r}, expected a whole number, 0 or more")
    sample = Sample(
        hidden=states,
        text=torch.arange(len(states), device=states.device),
        output=with_permutations(told, permutations, seed),
        classes=classes,
        fold=folds(told, FOLDS, seed),
    )
    found = summary(measured(estimator, sample, options), sample, options)
    if not classes and not silent(sample) and linear_in(states, values):
        return replace(found, flags=("deterministic_output", *found.flags))
    return found


def _states(hidden: Any) -> Tensor:
    """[n, d] float32, centred and of unit scale."""
    states = hidden.detach() if isinstance(hidden, Tensor) else _tensor(hidden, "hidden")
    if states.dim() != 2 or states.shape[1] < 1:
        raise ValueError(f"hidden has shape {tuple(states.shape)}, expected [n, d]")
    if states.is_complex():
        raise ValueError("hidden is complex, expected real numbers")
    if len(states) < FEWEST:
        raise ValueError(f"hidden has {len(states)} states, expected {FEWEST} or more")
    states = states.double()
    _finite(states, "hidden")
    states = states - states.mean(0)
    scale = states.abs().max()
    return (states / scale if scale > 0 else states).float()


def _output(output: Any, device: torch.device) -> tuple[int, Tensor]:
    """Number of classes and [n] int64 classes; or 0 and [n, c] float64 values."""
    if not isinstance(output, Tensor):
        array = np.asarray(output)
        if array.dtype.kind in "OUS":
            array = np.unique(array.astype(str), return_inverse=True)[1].reshape(array.shape)
        output = _tensor(array, "output")
    output = output.detach().to(device)
    if output.is_complex():
        raise ValueError("output is complex, expected classes or real numbers")
    if not output.is_floating_point():
        if output.dim() != 1:
            raise ValueError(f"output has shape {tuple(output.shape)}, expected [n] classes")
        names, classes = output.unique(return_inverse=True)
        if len(names) > MOST_CLASSES or len(names) > len(output) / 2:
            raise ValueError(
                f"output has {len(names)} classes in {len(output)} texts, expected fewer; "
                "pass a continuous output as floats"
            )
        return len(names), classes
    if output.dim() not in (1, 2):
        raise ValueError(f"output has shape {tuple(output.shape)}, expected [n] or [n, c]")
    values = output.double().reshape(len(output), -1)
    _finite(values, "output")
    for column in values.T:
        distinct = len(column.unique())
        if 1 < distinct < len(values) / 2:
            raise ValueError(
                f"output is floats with {distinct} distinct values in {len(values)} texts; "
                "pass classes as whole numbers"
            )
    return 0, values


def _normal_scores(values: Tensor) -> Tensor:
    """[n] standard normal quantiles of the ranks; equal values share the mean of their ranks."""
    _, place, size = values.unique(return_inverse=True, return_counts=True)
    rank = size.cumsum(0).double() - (size.double() - 1) / 2
    return torch.special.ndtri((rank[place] - 0.5) / len(values))


def _tensor(values: Any, name: str) -> Tensor:
    try:
        # A copy, native and in order: torch takes no others.
        array = np.array(values, order="C")
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} is not an array of numbers: {error}") from None


def _finite(values: Tensor, name: str) -> None:
    wrong = ~values.isfinite()
    if bool(wrong.any()):
        place = tuple(wrong.nonzero()[0].tolist())
        raise ValueError(
            f"{name} has {int(wrong.sum())} values that are NaN or infinite, "
            f"the first at {list(place)}: expected finite numbers"
        )
