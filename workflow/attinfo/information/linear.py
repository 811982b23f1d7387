"""Usable information of linear probes: cross-fitted shrunk discriminant analysis.

A ridge regression of the class indicators on the states spans the directions of linear
discriminant analysis (Hastie, Tibshirani & Buja 1994); a discriminant analysis of the scores it
gives to states it has not seen then makes them a posterior. Both steps are closed forms, so the
observed output and all its permutations are fitted at once, as columns of one right-hand side.

The mean of log q(y | h) - log p(y) on held-out texts is the V-information of linear probes (Xu
et al. 2020) and a lower bound, in expectation, of the mutual information.
"""

import torch
from torch import Tensor

from attinfo.information.estimate import Estimate, Sample


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


def _posterior(scores: Tensor, moments: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """log q(class | scores) [n, columns, C] of a Gaussian discriminant with one covariance."""
    prior, mean, precision = moments
    offset = scores[:, :, None, :] - mean  # [n, columns, C, s]
    distance = torch.einsum("npcs,pst,npct->npc", offset, precision, offset)
    return (prior.log() - distance / 2).log_softmax(-1)


def _moments(scores: Tensor, indicator: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Prior [columns, C], class means [columns, C, s] and precision [columns, s, s] of scores.

    Where scores of unseen texts do not rise with their class, the probe has learnt nothing: the
    means are made equal, and the posterior is the prior.
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
    alignment = (prior[:, :s] * (mean.diagonal(dim1=1, dim2=2) - grand)).sum(1)
    mean = torch.where((alignment > 0)[:, None, None], mean, grand[:, None])
    return prior, mean, torch.linalg.inv(within)


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
    target = indicator[..., : classes - 1].reshape(n, -1)
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
    log_posterior = torch.empty_like(indicator)
    log_prior = torch.empty(folds, columns, classes, dtype=torch.float64)
    for k in range(folds):
        others = [j for j in range(folds) if j != k]
        inner = torch.cat([scored(members[j], pairs[max(j, k), min(j, k)]) for j in others])
        seen = torch.cat([members[j] for j in others])
        moments = _moments(inner, indicator[seen])
        log_posterior[members[k]] = _posterior(scored(members[k], probe(k)), moments)
        log_prior[k] = moments[0].log()
    prior = log_prior[fold]
    difference = log_posterior - prior
    pvi = difference.gather(2, output[..., None]).squeeze(2)
    gain = (log_posterior[:, 0].exp() * difference[:, 0]).sum(1)
    return Estimate(pvi=pvi[:, 0], gain=gain.clamp(min=0), null=pvi[:, 1:].mean(0))
