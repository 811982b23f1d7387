"""Cross-fitted linear probes of any features, and how their scores become a posterior.

A ridge regression of the class indicators on the features spans the directions of linear
discriminant analysis (Hastie, Tibshirani & Buja 1994). It is a closed form, so the observed
output and all its permutations are fitted at once, as columns of one right-hand side, and the
probes that leave out one fold or two come from sums over the folds.
"""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

NEWTON_STEPS = 8  # at most
SMALLEST_MOVE = 1e-5  # of a weight: the next would be its square
MOST_CERTAIN = 0.98  # share of a class's variance that scores may be taken to explain
CALIBRATION_STATES = 4096  # at most: a few parameters a column are fitted to them
MOST_SURE = 30.0  # of log odds
RARE = 1e-12  # the share of a class that a fold's training texts lack


def ledoit_wolf(states: Tensor) -> float:
    """The share of a scaled identity in the shrunk covariance (Ledoit & Wolf 2004, lemma 3.1-3.5).

    Args:
        states: [n, d], centred.
    """
    n, d = states.shape
    covariance = states.T @ states / n
    scale = covariance.trace() / d
    distance = (covariance**2).sum() - d * scale**2
    noise = ((states**2).sum(1) ** 2).sum() / n - (covariance**2).sum()
    return float((noise / n / distance).clamp(0, 1)) if distance > 0 else 1.0


class RidgeProbes:
    """Ridge regressions of all targets on features, one for every choice of folds left out.

    Args:
        features: [n, D] float64.
        target: [columns, n, w] float64: w targets for the observed output and each permutation.
        members: the rows in each fold.
        shrinkages: shares of a scaled identity in the covariance of the features, a probe each.
    """

    def __init__(
        self,
        features: Tensor,
        target: Tensor,
        members: list[Tensor],
        shrinkages: Sequence[float],
    ) -> None:
        self._members, self._shrinkages, self._width = members, shrinkages, target.shape[2]
        target = target.transpose(0, 1).flatten(1)
        # About the grand mean, so that sums over folds can be subtracted without loss.
        self._features = features - features.mean(0)
        # More than rounding, where features do not vary in the folds that are kept.
        self._least = 1e-10 * self._features.square().mean() + 1e-30
        count = [float(len(rows)) for rows in members]
        self._count = torch.tensor(count, dtype=features.dtype, device=features.device)
        parts = [(self._features[rows], target[rows]) for rows in members]
        self._feature_sum = torch.stack([x.sum(0) for x, _ in parts])
        self._target_sum = torch.stack([t.sum(0) for _, t in parts])
        self._scatter = torch.stack([x.T @ x for x, _ in parts])
        self._cross = torch.stack([x.T @ t for x, t in parts])
        folds = range(len(members))
        left_out = [{k} for k in folds] + [set(pair) for pair in combinations(folds, 2)]
        self._fitted = {frozenset(out): self._fit(out) for out in left_out}

    def _fit(self, left_out: set[int]) -> list[tuple[Tensor, Tensor]]:
        """Coefficients [columns w, D] and intercepts [columns w, 1] without these folds."""
        kept = [k for k in range(len(self._members)) if k not in left_out]
        total = self._count[kept].sum()
        centre = self._feature_sum[kept].sum(0) / total
        level = self._target_sum[kept].sum(0) / total
        covariance = self._scatter[kept].sum(0) / total - torch.outer(centre, centre)
        cross = self._cross[kept].sum(0) / total - torch.outer(centre, level)
        scale = covariance.trace() / len(covariance)
        fitted = []
        for shrinkage in self._shrinkages:
            shrunk = (1 - shrinkage) * covariance
            shrunk.diagonal().add_(shrinkage * scale + self._least)
            coefficients = torch.cholesky_solve(cross, torch.linalg.cholesky(shrunk)).T
            fitted.append((coefficients, -coefficients @ centre[:, None]))
        return fitted

    def _scores(self, rows: Tensor, *left_out: int) -> list[Tensor]:
        features = self._features[rows].T
        return [
            torch.addmm(intercept, coefficients, features).unflatten(0, (-1, self._width)).mT
            for coefficients, intercept in self._fitted[frozenset(left_out)]
        ]

    def held_out(self, fold: int) -> list[Tensor]:
        """[columns, rows of the fold, w] centred scores, from probes that have not seen it."""
        return self._scores(self._members[fold], fold)

    def inner(self, fold: int) -> list[Tensor]:
        """[columns, rows of all other folds, w], from probes that saw neither fold nor row.

        What is fitted to these scores has not touched the fold.
        """
        seen = [k for k in range(len(self._members)) if k != fold]
        scores = [self._scores(self._members[k], fold, k) for k in seen]
        return [torch.cat(parts, 1) for parts in zip(*scores, strict=True)]


def log_odds(probes: RidgeProbes, fold: int, seen: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """[columns, rows, C - 1] by each probe, for the inner rows and those held out.

    Args:
        probes: of the class indicators, one class left out as redundant.
        fold: held out.
        seen: [columns, n, C] the outputs of the inner rows.
    """
    inner, held_out = [], []
    for scores, unseen in zip(probes.inner(fold), probes.held_out(fold), strict=True):
        direction = discriminant(scores, seen)
        inner.append(scores @ direction)
        held_out.append(unseen @ direction)
    return inner, held_out


def discriminant(scores: Tensor, indicator: Tensor) -> Tensor:
    """Discriminant directions [columns, C - 1, C - 1]: log odds of each class against class 0.

    The covariance S of indicators and scores of unseen states takes the place of the one within
    the fit in the relation between ridge scores and the discriminant of normal classes with one
    covariance (Hastie et al. 1994): P^-1/2 (I - A)^-1 P^-1/2, P the shares of the classes and
    A = P^-1/2 S P^-1/2. With hardly any signal A vanishes and nothing is fitted. Where scores do
    not rise with their class the probe has learnt nothing, and the directions are zero.

    Args:
        scores: [columns, n, C - 1], of all classes but the first; `indicator`: [columns, n, C].
    """
    n, s = scores.shape[1:]
    identity = torch.eye(s, dtype=scores.dtype, device=scores.device)
    # The score of class 0 is minus the sum of the others.
    with_first = torch.cat([-torch.ones_like(identity[:, :1]), identity], 1)
    prior = indicator.mean(1)
    together = indicator.mT @ scores / n - prior[..., None] * scores.mean(1, keepdim=True)
    root = torch.where(prior > 0, prior, torch.inf).rsqrt()  # 0 for a class that is not there
    signal = root[..., None] * (together @ with_first) * root[:, None]
    value, axes = torch.linalg.eigh((signal + signal.mT) / 2)
    stretch = 1 / (1 - value.clamp(0, MOST_CERTAIN))
    among = root[..., None] * (axes * stretch[:, None] @ axes.mT) * root[:, None]
    direction = with_first @ among
    learnt = value.sum(1) > 0
    return (direction[..., 1:] - direction[..., :1]) * learnt[:, None, None]


def pooled(
    logits: Tensor,
    indicator: Tensor,
    precision: float = 1.0,
    states: int = CALIBRATION_STATES,
) -> tuple[Tensor, Tensor]:
    """Weights of log odds, and biases, fitted by maximum likelihood: logistic regression.

    With one member it only says how sure to be: few tokens of a text decide, most say nothing,
    which no Gaussian fits; its weight is not negative. Newton's method; a weak normal prior keeps
    the weights finite.

    Args:
        logits: [columns, n, C - 1, M] log odds against class 0, by each of M members, of unit
            size or so.
        indicator: [columns, n, C].
        precision: of the prior of a weight.
        states: at most so many are used.

    Returns:
        [columns, M] weights and [columns, C - 1] biases.
    """
    step = -(-logits.shape[1] // states)
    # The states last: what is summed over them stands side by side.
    logits = logits[:, ::step].permute(0, 3, 2, 1).contiguous()
    target = indicator[:, ::step, 1:].mT.contiguous()
    members, rivals = logits.shape[1:3]
    share = target.double().mean(2)
    rest = 1 - share.sum(1, keepdim=True)
    kept = torch.nn.functional.pad(
        share.clamp(min=RARE).log() - rest.clamp(min=RARE).log(), (members, 0)
    )
    found, move, best = kept, torch.zeros_like(kept), torch.full_like(rest, torch.inf)
    for _ in range(NEWTON_STEPS):
        loss, gradient, hessian = _derivatives(logits, target, found, precision)
        # Where a step led uphill, a quarter of it is tried from where it started.
        uphill = loss > best
        move = torch.where(uphill, move / 4, torch.linalg.solve(hessian, gradient))
        kept, best = torch.where(uphill, kept, found), torch.minimum(best, loss)
        if float(move.abs().max()) < SMALLEST_MOVE:
            break
        found = kept + move
        if members == 1:
            found[:, 0].clamp_(min=0)
    weight, bias = kept.split((members, rivals), 1)
    return weight, bias


def _derivatives(
    logits: Tensor, target: Tensor, parameters: Tensor, precision: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Penalised loss [columns, 1], minus its gradient, and its Hessian, in float64.

    Args:
        logits: [columns, M, s, n], `target`: [columns, s, n].
        parameters: [columns, M + s] weights and biases.
        precision: of the prior of a weight.
    """
    columns, members, rivals, n = logits.shape
    weight, bias = parameters.split((members, rivals), 1)
    flat = logits.flatten(2)
    odds = (weight.to(logits.dtype)[:, None] @ flat).view(columns, rivals, n)
    odds = odds.add_(bias.to(logits.dtype)[..., None]).clamp_(max=MOST_SURE)
    posterior = odds.exp()
    total = 1 + posterior.sum(1, keepdim=True)
    posterior = posterior.div_(total)
    surprise = total.log_()[:, 0] - (target * odds).sum(1)
    # Summed in float64: rounding would pass for a step uphill.
    loss = surprise.sum(1, dtype=torch.float64) + precision * (weight**2).sum(1) / 2
    rest = target - posterior
    pull = (flat @ rest.view(columns, -1, 1))[..., 0].double() - precision * weight
    gradient = torch.cat([pull, rest.sum(2).double()], 1)
    if rivals > 1:
        spread = logits * posterior[:, None]
        spread = spread.addcmul_(spread.sum(2, keepdim=True), posterior[:, None], value=-1)
    else:  # the same, without a sum over one
        spread = logits * (posterior - posterior.square())[:, None]
    block = (spread.flatten(2) @ flat.mT).double()
    block.diagonal(dim1=1, dim2=2).add_(precision)
    own = -(posterior @ posterior.mT).double()
    own.diagonal(dim1=1, dim2=2).add_(posterior.double().sum(2) + 1e-6)
    mixed = spread.sum(3).double()
    top, bottom = torch.cat([block, mixed], 2), torch.cat([mixed.mT, own], 2)
    return loss[:, None], gradient, torch.cat([top, bottom], 1)


def weighted(logits: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """[columns, n, C - 1]: the log odds of all members, weighted and summed."""
    weight, bias = weight.to(logits.dtype), bias.to(logits.dtype)
    if logits.shape[3] == 1:
        return torch.addcmul(bias[:, None], logits[..., 0], weight[:, None])
    return (logits @ weight[:, None, :, None])[..., 0] + bias[:, None]


def posterior_of(log_odds: Tensor) -> Tensor:
    """[columns, n, C - 1] probabilities of all classes but the first; none is exactly 1."""
    against = log_odds.clamp(max=MOST_SURE).exp_()
    return against.div_(1 + against.sum(2, keepdim=True))


def log_posterior_of(log_odds: Tensor) -> Tensor:
    """[columns, n, C] log probabilities, from log odds [columns, n, C - 1] against class 0."""
    if log_odds.shape[2] == 1:  # the same, several times as fast
        total = log_odds.clamp(min=0) + log_odds.abs().neg_().exp_().log1p_()
        return torch.cat([-total, log_odds - total], 2)
    return torch.nn.functional.pad(log_odds, (1, 0)).log_softmax(-1)


def least_of(log_posterior: Tensor) -> Tensor:
    """[columns] the smallest log probability that any state [columns, n, C] gives a class."""
    return log_posterior.amin((1, 2))


def within(least: Tensor, log_posterior: Tensor) -> Tensor:
    """[columns, rows, C] log probabilities, none smaller than `least` [columns] (`least_of`).

    A state far outside of what has been seen is then not taken for surer than any of that.
    """
    return log_posterior.maximum(least[:, None, None]).log_softmax(-1)


def log_prior_of(indicator: Tensor) -> Tensor:
    """[columns, 1, C] log shares of the classes in [columns, n, C]."""
    return indicator.mean(1, keepdim=True).clamp(min=RARE).log()


def others(members: list[Tensor], fold: int) -> Tensor:
    """The rows in all folds but one, in the order of `RidgeProbes.inner`."""
    return torch.cat([rows for k, rows in enumerate(members) if k != fold])


def scaled(inner: Tensor, held_out: Tensor) -> tuple[Tensor, Tensor]:
    """Log odds [columns, n, C - 1, M], those of each column and member divided by their size."""
    size = inner.square().mean((1, 2), keepdim=True).sqrt() + 1e-30
    return inner / size, held_out / size
