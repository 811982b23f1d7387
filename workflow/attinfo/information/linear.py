"""Usable information of linear probes: cross-fitted shrunk discriminant analysis.

A ridge regression of the class indicators on the states spans the directions of linear
discriminant analysis (Hastie, Tibshirani & Buja 1994). The discriminant of the scores that it
gives to states it has not seen, with a scale and biases fitted to them, is the posterior. The
regression is a closed form, so the observed output and all its permutations are fitted at once,
as columns of one right-hand side.

The mean of log q(y | h) - log p(y) on held-out texts is the V-information of linear probes (Xu
et al. 2020) and a lower bound, in expectation, of the mutual information.
"""

import torch
from torch import Tensor

from attinfo.information.sample import Estimate, Sample

NEWTON_STEPS = 6
CALIBRATION_STATES = 4096  # at most; a scale and a bias a class are fitted to them
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


def _ridge(scatter: Tensor, cross: Tensor, total: float, shrinkage: float) -> Tensor:
    """Coefficients [d, columns] of the shrunk regression, from sums over its texts."""
    d = len(scatter)
    covariance = scatter / total
    scale = covariance.trace() / d
    shrunk = (1 - shrinkage) * covariance
    shrunk.diagonal().add_(shrinkage * scale + 1e-9 * scale + 1e-30)
    return torch.linalg.solve(shrunk, cross / total)


def _direction(scores: Tensor, indicator: Tensor) -> Tensor:
    """Discriminant directions [columns, s, C - 1]: log odds of each class against class 0.

    Those of a Gaussian with one covariance. Where scores of unseen texts do not rise with their
    class the probe has learnt nothing, and the directions are zero.
    """
    n, _, s = scores.shape
    prior = indicator.mean(0)  # [columns, C]
    sums = torch.einsum("npc,nps->pcs", indicator, scores)
    mean = sums / (n * prior)[..., None].clamp(min=1)
    grand = scores.mean(0)  # [columns, s]
    second = torch.einsum("nps,npt->pst", scores, scores) / n
    within = second - torch.einsum("pc,pcs,pct->pst", prior, mean, mean)
    size = within.diagonal(dim1=1, dim2=2).mean(1)
    within = within + (1e-9 * size + 1e-30)[:, None, None] * torch.eye(s, dtype=scores.dtype)
    direction = torch.linalg.solve(within, (mean[:, 1:] - mean[:, :1]).mT)
    rise = mean - grand[:, None]  # of the score of each class; that of class 0 is minus their sum
    own = torch.cat([-rise[:, :1].sum(2), rise[:, 1:].diagonal(dim1=1, dim2=2)], 1)
    learnt = (prior * own).sum(1) > 0
    return direction * learnt[:, None, None]


def _log_softmax(logits: Tensor) -> Tensor:
    """[..., C] log probabilities of logits [..., C - 1] against class 0."""
    return torch.nn.functional.pad(logits, (1, 0)).log_softmax(-1)


def _calibrated(scores: Tensor, indicator: Tensor) -> tuple[Tensor, Tensor]:
    """Weights [columns, s, C - 1] and biases [columns, C - 1] of a calibrated posterior.

    The discriminant is right about the direction, not about how sure to be: few tokens of a text
    decide, most say nothing, which no Gaussian fits. One scale and the biases of each column are
    fitted by maximum likelihood, by Newton's method; a weak prior keeps the scale finite.
    """
    direction = _direction(scores, indicator)
    step = 1 + len(scores) // CALIBRATION_STATES
    scores, indicator = scores[::step], indicator[::step]
    margin = torch.einsum("nps,psc->npc", scores, direction)
    target = indicator[..., 1:]
    share = target.mean(0)
    bias = (share.clamp(min=RARE) / (1 - share.sum(1, keepdim=True)).clamp(min=RARE)).log()
    scale = margin.new_zeros(len(bias))
    for _ in range(NEWTON_STEPS):
        odds = (scale[:, None] * margin + bias).clamp(max=30).exp()  # against class 0
        posterior = odds / (1 + odds.sum(2, keepdim=True))
        rest = target - posterior
        mean = (posterior * margin).sum(2, keepdim=True)
        spread = margin - mean
        pull = (rest * margin).sum((0, 2)) - scale
        gradient = torch.cat([pull[:, None], rest.sum(0)], 1)
        hessian = torch.einsum("npa,npb->pab", posterior, -posterior)
        hessian.diagonal(dim1=1, dim2=2).add_(posterior.sum(0))
        mixed = (posterior * spread).sum(0)
        own = (posterior * spread * margin).sum((0, 2)) + 1
        top = torch.cat([own[:, None], mixed], 1)[:, None]
        full = torch.cat([top, torch.cat([mixed[..., None], hessian], 2)], 1)
        full.diagonal(dim1=1, dim2=2).add_(1e-9)
        move = torch.linalg.solve(full, gradient)
        scale, bias = (scale + move[:, 0]).clamp(min=0), bias + move[:, 1:]
    return scale[:, None, None] * direction, bias


def linear_probe(sample: Sample) -> Estimate:
    """Cross-fitted shrunk linear discriminant: the usable information of linear probes.

    For each held-out fold, the scores that calibrate its posterior come from probes that saw
    neither the fold nor the state they score, so nothing that scores a fold was tuned on it.
    """
    hidden = sample.hidden.double()
    fold = sample.fold[sample.text]
    folds = int(sample.fold.max()) + 1
    classes = sample.classes
    # One class is redundant: C - 1 indicators a column.
    output = sample.output[sample.text]  # [n, columns]
    indicator = torch.nn.functional.one_hot(output, classes).double()
    n, columns, _ = indicator.shape
    target = indicator[..., 1:].reshape(n, -1)
    members = [torch.nonzero(fold == k).squeeze(1) for k in range(folds)]
    count = torch.tensor([len(m) for m in members], dtype=torch.float64)
    # Sums over each fold, about the grand mean; a probe's sums are differences of these.
    hidden = hidden - hidden.mean(0)
    state_sum = torch.stack([hidden[m].sum(0) for m in members])
    target_sum = torch.stack([target[m].sum(0) for m in members])
    scatter = torch.stack([hidden[m].T @ hidden[m] for m in members])
    cross = torch.stack([hidden[m].T @ target[m] for m in members])
    shrinkage = ledoit_wolf(hidden)

    def probe(*left_out: int) -> tuple[Tensor, Tensor]:
        """Coefficients and centre of the probe that has not seen the folds left out."""
        kept = [k for k in range(folds) if k not in left_out]
        total = float(count[kept].sum())
        centre, level = state_sum[kept].sum(0) / total, target_sum[kept].sum(0) / total
        within = scatter[kept].sum(0) - total * torch.outer(centre, centre)
        with_target = cross[kept].sum(0) - total * torch.outer(centre, level)
        return _ridge(within, with_target, total, shrinkage), centre

    def scored(rows: Tensor, fitted: tuple[Tensor, Tensor]) -> Tensor:
        weights, centre = fitted
        return ((hidden[rows] - centre) @ weights).reshape(len(rows), columns, classes - 1)

    pairs = {(a, b): probe(a, b) for a in range(folds) for b in range(a)}
    log_posterior, log_prior = torch.empty_like(indicator), torch.empty_like(indicator)
    for k in range(folds):
        others = [j for j in range(folds) if j != k]
        inner = torch.cat([scored(members[j], pairs[max(j, k), min(j, k)]) for j in others])
        seen = torch.cat([members[j] for j in others])
        weights, bias = _calibrated(inner, indicator[seen])
        logits = torch.einsum("nps,psc->npc", scored(members[k], probe(k)), weights) + bias
        log_posterior[members[k]] = _log_softmax(logits)
        log_prior[members[k]] = indicator[seen].mean(0).clamp(min=RARE).log()
    difference = log_posterior - log_prior
    pvi = difference.gather(2, output[..., None]).squeeze(2)
    gain = (log_posterior[:, 0].exp() * difference[:, 0]).sum(1)
    return Estimate(pvi=pvi[:, 0], gain=gain.clamp(min=0), null=pvi[:, 1:].mean(0))
