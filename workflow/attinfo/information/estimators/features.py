"""Standardised states, and nonlinear features of the states for linear probes.

The functions in this file do not use the outputs. So they may use all states, also the states of a
held-out fold.
"""

from collections.abc import Iterator
import math

import torch
from torch import Tensor

from attinfo.information.estimators.probes import ledoit_wolf
from attinfo.runtime.seeds import seed_of

SOFTNESS = 0.1  # share of the mean variance that soft whitening adds to every variance
FAR = 5.0  # standard deviations from the mean: only columns that reach farther are cut
SHARE = 0.05  # of the states, at either end of a column, whose size does not count as its scale
REACH = 5.0  # half widths of the middle 90 % at which a column is cut; 8.2 sigma of normal values
SAME = 1e-9  # 1 - |correlation| below which two columns are the same
MOST_COLUMNS = 4096  # that are compared with each other


def standardised(hidden: Tensor) -> Tensor:
    """[n, D] float64: the columns of the states about zero, each of variance one.

    So the unit of a column, its offset and its rank among the columns do not matter to a probe,
    and one large column hides no other. Columns that do not vary are left out, and so is each that
    is another one times a number; where all are constant, one column of zeros is left. In a column
    with values more than `FAR` standard deviations from its mean, values are cut at `REACH` half
    widths of its middle 90 % from their middle: a few huge values then do not flatten all others.
    A column of which 90 % are one value is not cut.

    Args:
        hidden: [n, d] of any float type.
    """
    states = hidden.double()
    states = states / 2 - (states / 2).mean(0)  # halves: the difference does not overflow
    size = states.abs().amax(0)
    varies = hidden.amax(0) > hidden.amin(0)
    states = states[:, varies] / size[varies]
    if not states.shape[1]:
        return hidden.new_zeros(len(hidden), 1, dtype=torch.float64)
    states = _unit(states)
    far = torch.nonzero(states.abs().amax(0) > FAR)[:, 0]
    if len(far):
        column, place = states[:, far].T.contiguous(), math.floor(SHARE * (len(states) - 1))
        low = column.kthvalue(place + 1, dim=1).values
        high = column.kthvalue(len(states) - place, dim=1).values
        middle, half = (low + high) / 2, (high - low) / 2
        reach = torch.where(half > 0, REACH * half, torch.inf)
        states[:, far] = _unit(states[:, far].clamp(middle - reach, middle + reach))
    if 1 < states.shape[1] <= MOST_COLUMNS:
        alike = (states.T @ states / len(states)).abs() > 1 - SAME
        states = states[:, ~alike.triu(1).any(0)]
    return states


def _unit(states: Tensor) -> Tensor:
    """Shift columns to mean 0 and scale them to variance 1; constant columns are only shifted."""
    states = states - states.mean(0)
    return states / states.square().mean(0).sqrt().clamp(min=1e-150)


def principal(hidden: Tensor) -> tuple[Tensor, Tensor]:
    """[n, d] principal components, most variance first, and their variances [d], in float64."""
    hidden = hidden.double()
    hidden = hidden - hidden.mean(0)
    variance, axes = torch.linalg.eigh(hidden.T @ hidden / len(hidden))
    return hidden @ axes.flip(1), variance.flip(0).clamp(min=0)


def soft_whitened(hidden: Tensor) -> Tensor:
    """[n, d] principal components at nearly equal variance; those of hardly any stay small."""
    components, variance = principal(hidden)
    return components / (variance + SOFTNESS * variance.mean() + 1e-30).sqrt()


def leading(components: Tensor, variance: Tensor, count: int) -> Tensor:
    """[n, count] the first components, whitened; those without variance are left at zero."""
    count = min(count, len(variance))
    floor = 1e-9 * variance[0] + 1e-30
    return components[:, :count] / (variance[:count] + floor).sqrt()


def quadratic(features: Tensor) -> Tensor:
    """[n, m + m (m + 1) / 2]: the features, their squares and products."""
    i, j = torch.tril_indices(features.shape[1], features.shape[1], device=features.device)
    return torch.cat([features, features[:, i] * features[:, j]], 1)


def fourier(states: Tensor, count: int, bandwidth: float) -> Tensor:
    """[n, count] random Fourier features of a Gaussian kernel (Rahimi & Recht 2007).

    Args:
        states: [n, d].
        count: number of features.
        bandwidth: of the kernel, in units of the median distance between states.
    """
    n, d = states.shape
    draw = torch.Generator().manual_seed(seed_of("Fourier features", d, count))
    pairs = torch.randint(n, (2, 2000), generator=draw).to(states.device)
    median = (states[pairs[0]] - states[pairs[1]]).norm(dim=1).median()
    frequency = torch.randn(d, count, generator=draw, dtype=torch.float64)
    phase = 2 * math.pi * torch.rand(count, generator=draw, dtype=torch.float64)
    scaled = states.double() / (bandwidth * median + 1e-30)
    return torch.cos(scaled @ frequency.to(states.device) + phase.to(states.device))


def feature_maps(hidden: Tensor) -> Iterator[tuple[Tensor, tuple[float, ...]]]:
    """Features [n, D] of the states [n, d], and the shrinkages of linear probes of them."""
    components, variance = principal(standardised(hidden))
    yield components, (ledoit_wolf(components), 0.1)
    for count in (8, 16):
        yield leading(components, variance, count), (1e-3,)
    for count, shrinkages in ((4, (0.01,)), (8, (0.01,)), (16, (0.01, 0.1))):
        yield quadratic(leading(components, variance, count)), shrinkages
    yield fourier(components, 256, 0.7), (3e-3,)
