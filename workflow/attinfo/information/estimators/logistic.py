"""Usable information of logistic regression, multinomial and with a ridge penalty, cross-fitted.

Whatever the probabilities, the Hessian is at most 1/2 (I - 11'/C) x X'X (Boehning 1992), so one
decomposition of X'X serves all steps, all columns of outputs and all penalties: every step is a
gradient step scaled along the principal axes of the states. Momentum (Nesterov 1983) speeds it up
and is dropped in a column where it leads uphill (O'Donoghue & Candes 2015).
"""

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from attinfo.information.estimators.features import standardised
from attinfo.information.estimators.posterior import (
    least_of,
    log_posterior_of,
    log_prior_of,
    pooled,
    posterior_of,
    weighted,
    within,
)
from attinfo.information.estimators.probes import others
from attinfo.information.sample import Measured, Sample, from_log_ratio

PENALTIES = (1.0, 0.1, 0.01, 0.001)  # of squared weights, in units of n x mean variance
STEPS = 200
TOLERANCE = 1e-6  # nats a state that one more step would gain: the fit is then done


@dataclass(frozen=True)
class Fitted:
    """Log odds against class 0 that are linear in the state.

    Attributes:
        centre: [d] mean of the states that were seen.
        slopes: [d, columns, C - 1].
        level: [columns, C - 1] log odds at the centre.
    """

    centre: Tensor
    slopes: Tensor
    level: Tensor

    def scores(self, states: Tensor) -> Tensor:
        """[columns, n, C - 1] log odds of states [n, d], less those at the centre.

        The level is left out, as that of a probe which has not seen a fold is too high where the
        fold has few of a class, and would then reveal its outputs.
        """
        scores = (states - self.centre) @ self.slopes.flatten(1)
        return scores.unflatten(1, self.level.shape).transpose(0, 1)


class Regression:
    """Logistic regressions of all columns of outputs on the same states.

    The penalty is the same for the weights of all classes. In log odds against class 0, both it
    and the bound of the Hessian then have the factor I - 11'/C, whose inverse is I + 11'.

    Args:
        states: [n, d] float32, near zero and of about unit size.
        indicator: [columns, n, C] float32.
    """

    def __init__(self, states: Tensor, indicator: Tensor) -> None:
        n = len(states)
        self._centre = states.mean(0)
        centred = states - self._centre
        variance, axes = torch.linalg.eigh((centred.T @ centred / n).double())
        self._axes, self._scale = axes.float(), float(variance.mean())
        one = centred.new_ones(n, 1)
        self._design = torch.cat([centred @ self._axes, one], 1)
        self._bound = torch.cat([variance.clamp(min=0).float(), one[0]]) / 2
        self._target = indicator[..., 1:].transpose(0, 1).contiguous()
        share = indicator.mean(1).clamp(min=0.5 / n)
        self._prior = (share[:, 1:] / share[:, :1]).log()

    def fit(self, penalty: Tensor, start: Fitted | None = None) -> Fitted:
        """The minimum of mean log loss and penalty, to within `TOLERANCE` or so.

        Args:
            penalty: [columns], times half the sum of squared weights of all C classes times the
                mean variance of the states.
            start: where to start, else from the prior.
        """
        slopes = self._prior.new_zeros(len(self._axes), *self._prior.shape)
        level = self._prior
        if start is not None:
            slopes, level = torch.tensordot(self._axes, start.slopes, ([0], [0])), start.level
        weight = self._minimum(torch.cat([slopes, level[None]]), penalty)
        slopes = torch.tensordot(self._axes, weight[:-1], 1)
        return Fitted(self._centre, slopes, weight[-1])

    def _minimum(self, weight: Tensor, penalty: Tensor) -> Tensor:
        """[d + 1, columns, C - 1] along the axes, the levels last; started from `weight`."""
        ridge = (penalty * self._scale + 1e-30).repeat(len(weight), 1)[..., None]
        ridge[-1] = 0
        bound = self._bound[:, None, None] + ridge
        ahead, pace = weight, torch.ones_like(penalty)
        for _ in range(STEPS):
            move = -(self._slope(ahead) + ridge * ahead) / bound
            before, weight = weight, ahead + move
            if float((move.square() * bound).sum((0, 2)).max()) < TOLERANCE:
                break
            uphill = (move * bound * (weight - before)).sum((0, 2)) < 0
            faster = torch.where(uphill, 1, (1 + (1 + 4 * pace.square()).sqrt()) / 2)
            momentum = torch.where(uphill, 0, (pace - 1) / faster)
            ahead, pace = weight + momentum[:, None] * (weight - before), faster
        return weight

    def _slope(self, weight: Tensor) -> Tensor:
        """Gradient of the mean log loss, times I + 11' between classes."""
        log_odds = (self._design @ weight.flatten(1)).unflatten(1, weight.shape[1:])
        rest = posterior_of(log_odds).sub_(self._target)
        slope = (self._design.T @ rest.flatten(1) / len(rest)).view(weight.shape)
        return slope + slope.sum(2, keepdim=True)


class _Probes:
    """Regressions that leave out one fold or two, and the posteriors they give.

    Args:
        states: [n, d] float32, `indicator`: [columns, n, C], `members`: the rows of each fold.
    """

    def __init__(self, states: Tensor, indicator: Tensor, members: list[Tensor]) -> None:
        self._states, self._indicator, self._members = states, indicator, members
        pairs = combinations(range(len(members)), 2)
        self._pairs = {frozenset(pair): self._path(pair) for pair in pairs}

    def _regression(self, *left_out: int) -> Regression:
        kept = torch.cat([rows for k, rows in enumerate(self._members) if k not in left_out])
        return Regression(self._states[kept], self._indicator[:, kept])

    def _path(self, left_out: tuple[int, int]) -> list[Fitted]:
        """The regressions of falling penalty, each started from the one before."""
        regression = self._regression(*left_out)
        path: list[Fitted] = []
        for penalty in self._states.new_tensor(PENALTIES):
            start = path[-1] if path else None
            path.append(regression.fit(penalty.expand(len(self._indicator)), start))
        return path

    def log_posterior(self, fold: int) -> Tensor:
        """[columns, rows of the fold, C], penalty and calibration chosen by the other folds.

        For every penalty a scale and biases are fitted to scores of states that the regression
        has not seen, and the penalty of the likeliest outputs is taken. The fold has been seen
        by none of these, nor by that from which the last regression starts.
        """
        rest = [k for k in range(len(self._members)) if k != fold]
        paths = [self._pairs[frozenset((fold, k))] for k in rest]
        seen = self._indicator[:, others(self._members, fold)]
        states = [self._states[self._members[k]] for k in rest]
        tried = []
        for place in range(len(PENALTIES)):
            pairs = zip(paths, states, strict=True)
            inner = torch.cat([path[place].scores(h) for path, h in pairs], 1)[..., None]
            weight, bias = pooled(inner, seen)
            log_posterior = log_posterior_of(weighted(inner, weight, bias))
            likelihood = (log_posterior * seen).sum((1, 2))
            tried.append((likelihood, weight, bias, least_of(log_posterior)))
        likelihood, weight, bias, least = (torch.stack(v) for v in zip(*tried, strict=True))
        best = likelihood.argmax(0)
        column = torch.arange(len(best), device=best.device)
        penalty = self._states.new_tensor(PENALTIES)[best]
        fitted = self._regression(fold).fit(penalty, _between(paths, best))
        held_out = fitted.scores(self._states[self._members[fold]])[..., None]
        odds = weighted(held_out, weight[best, column], bias[best, column])
        return within(least[best, column], log_posterior_of(odds))


def _between(paths: list[list[Fitted]], best: Tensor) -> Fitted:
    """The mean of regressions, one from each path, each column at the place `best` of the path."""
    column = torch.arange(len(best), device=best.device)
    slopes = torch.stack([torch.stack([f.slopes for f in path]) for path in paths]).mean(0)
    level = torch.stack([torch.stack([f.level for f in path]) for path in paths]).mean(0)
    slopes = slopes[best, :, column].transpose(0, 1)
    return Fitted(paths[0][0].centre, slopes, level[best, column])


def logistic_probe(sample: Sample) -> Measured:
    """Cross-fitted logistic regression with a ridge penalty that inner folds choose.

    How sure to be is fitted once more, to the scores of states that a regression has not seen: a
    penalty right for the direction is seldom right for the scale, and without information the
    scale is zero.
    """
    states = standardised(sample.hidden).float()  # of unit size: single precision is enough
    indicator, members = sample.indicator, sample.members
    probes = _Probes(states, indicator, members)
    log_ratio, log_prior = torch.empty_like(indicator), torch.empty_like(indicator)
    for fold, rows in enumerate(members):
        log_prior[:, rows] = log_prior_of(indicator[:, others(members, fold)])
        log_ratio[:, rows] = probes.log_posterior(fold) - log_prior[:, rows]
    return from_log_ratio(log_ratio, log_prior, sample)
