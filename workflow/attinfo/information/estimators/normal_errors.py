"""Normal errors about cross-fitted ridge regressions: information about a continuous output.

q(y | h) is normal about a linear function of the predictions that probes make for states they have
not seen; the line and the covariance of its errors are fitted to inner predictions, for which
the probes saw neither the held-out fold nor the state. As q is some density, the mean of
log q(y | h) - log p(y) is a lower bound, in expectation, of the information as far as p is right:
p is normal too, so make each output normal by its ranks first.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from attinfo.information.estimators.probes import RidgeProbes, others, solved
from attinfo.information.sample import Measured, Sample

RIDGE = 1e-3  # share by which the variances of the predictions are raised: these are much alike
LEAST = 1e-9  # added to every variance, of outputs of variance one


def target_of(sample: Sample) -> Tensor:
    """[1 + P, n, c] float64: the outputs of each state's text."""
    return sample.output.transpose(0, 1)[:, sample.text]


class Normal:
    """Normal densities, one a column: of the errors about a mean.

    Args:
        errors: [columns, n, c], about zero.
    """

    def __init__(self, errors: Tensor) -> None:
        self.covariance = errors.mT @ errors / errors.shape[1]
        self.covariance.diagonal(dim1=1, dim2=2).add_(LEAST)
        self._factor = torch.linalg.cholesky(self.covariance)

    def log_density(self, errors: Tensor) -> Tensor:
        """[columns, rows], but for the constant."""
        return -(self.distance(errors) + self.log_determinant) / 2

    @property
    def log_determinant(self) -> Tensor:
        """[columns, 1]"""
        return 2 * self._factor.diagonal(dim1=1, dim2=2).log().sum(1, keepdim=True)

    def distance(self, errors: Tensor) -> Tensor:
        """[columns, rows] squared, in units of the covariance."""
        return torch.linalg.solve_triangular(self._factor, errors.mT, upper=False).square().sum(1)

    def divergence(self, shift: Tensor, prior: "Normal") -> Tensor:
        """[columns, rows] KL from the prior, whose mean is less by `shift` [columns, rows, c]."""
        spread = torch.cholesky_solve(self.covariance, prior._factor)
        trace = spread.diagonal(dim1=1, dim2=2).sum(1, keepdim=True)
        volume = prior.log_determinant - self.log_determinant
        return (prior.distance(shift) + trace - shift.shape[2] + volume) / 2


def _line(predictions: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Slopes [columns, s, c] and levels [columns, 1, c]: the target's regression on predictions."""
    centre, level = predictions.mean(1, keepdim=True), target.mean(1, keepdim=True)
    centred = predictions - centre
    gram = centred.mT @ centred
    gram.diagonal(dim1=1, dim2=2).mul_(1 + RIDGE).add_(1e-30)
    slope = solved(gram, centred.mT @ (target - level))
    return slope, level - centre @ slope


def by_ridge_regressions(
    maps: Iterable[tuple[Tensor, tuple[float, ...]]], sample: Sample
) -> Measured:
    """From ridge probes of all features, their predictions side by side.

    Args:
        maps: features [n, D] float64 of the states, and shrinkages, a probe for each.
    """
    target, members = target_of(sample), sample.members
    probes = [RidgeProbes(features, target, members, shares) for features, shares in maps]
    pvi = torch.empty_like(target[..., 0])
    gain = torch.empty_like(pvi[0])
    for fold, rows in enumerate(members):
        seen = target[:, others(members, fold)]
        inner = torch.cat([scores for p in probes for scores in p.inner(fold)], 2)
        held_out = torch.cat([scores for p in probes for scores in p.held_out(fold)], 2)
        slope, level = _line(inner, seen)
        error = Normal(seen - level - inner @ slope)
        centre = seen.mean(1, keepdim=True)
        prior = Normal(seen - centre)
        mean, own = level + held_out @ slope, target[:, rows]
        pvi[:, rows] = error.log_density(own - mean) - prior.log_density(own - centre)
        gain[rows] = error.divergence(mean - centre, prior)[0]
    return Measured(pvi=pvi[0], gain=gain.clamp(min=0), null=pvi[1:].mean(1))
