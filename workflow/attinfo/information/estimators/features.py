"""Features of states on which a linear probe is a nonlinear one. None looks at the outputs."""

import math

import torch
from torch import Tensor

from attinfo.runtime.seeds import seed_of

SOFTNESS = 0.1  # share of the mean variance that soft whitening adds to every variance


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
