"""Cross-fitted linear probes of any features, and their log odds.

A ridge regression of the class indicators on the features spans the directions of linear
discriminant analysis (Hastie, Tibshirani & Buja 1994). It is a closed form, so the observed
output and all its permutations are fitted at once, as columns of one right-hand side, and the
probes that leave out one fold or two come from sums over the folds.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, combinations

import torch
from torch import Tensor
from torch.nn.functional import pad

from attinfo.information.estimators.posterior import RARE

WIDTH = 64  # of features that are eliminated at a time
FITTED = 2**16  # elements of matrices factorized together
SIDE = 48  # of features that are multiplied with the others at a time
MOST_CERTAIN = 0.98  # share of a class's variance that scores may be taken to explain


def ledoit_wolf(states: Tensor, scatter: Tensor | None = None) -> float:
    """The share of a scaled identity in the shrunk covariance (Ledoit & Wolf 2004, lemma 3.1-3.5).

    Args:
        states: [n, d], centred.
        scatter: [d, d] their products summed, where they are known.
    """
    n, d = states.shape
    covariance = (gram(states) if scatter is None else scatter) / n
    scale = covariance.trace() / d
    size = (covariance**2).sum()
    distance = size - d * scale**2
    noise = (torch.linalg.vector_norm(states, dim=1) ** 4).sum() / n - size
    return float((noise / n / distance).clamp(0, 1)) if distance > 0 else 1.0


def gram(features: Tensor, side: int = SIDE) -> Tensor:
    """[D, D] the products of features [n, D], summed; each product of two is computed once."""
    d = features.shape[1]
    found = features.new_empty(d, d)
    for start in range(0, d, side):
        end = min(start + side, d)
        torch.mm(features[:, start:].T, features[:, start:end], out=found[start:, start:end])
        found[start:end, end:] = found[end:, start:end].T
    return found


def solved(matrix: Tensor, right: Tensor, width: int = WIDTH) -> Tensor:
    """The solutions [m, d, k] of m positive definite systems [m, d, d], by Cholesky's method.

    A block of rows is eliminated at a time: of larger matrices LAPACK's own factorization takes
    several times as long as of these blocks and the products between them.
    """
    d = matrix.shape[-1]
    if d <= width:
        return torch.cholesky_solve(right, torch.linalg.cholesky(matrix))
    factor = torch.linalg.cholesky(matrix[:, :width, :width])
    beside = torch.cat([matrix[:, :width, width:], right[:, :width]], 2)
    beside = torch.linalg.solve_triangular(factor, beside, upper=False)
    across, first = beside.split((d - width, right.shape[2]), 2)
    last = solved(
        torch.baddbmm(matrix[:, width:, width:], across.mT, across, alpha=-1),
        torch.baddbmm(right[:, width:], across.mT, first, alpha=-1),
        width,
    )
    first = torch.baddbmm(first, across, last, alpha=-1)
    return torch.cat([torch.linalg.solve_triangular(factor.mT, first, upper=True), last], 1)


class RidgeProbes:
    """Ridge regressions of all targets on features, one for every choice of folds left out.

    Args:
        features: [n, D].
        target: [columns, n, w] float64: w targets for the observed output and each permutation.
        members: the rows in each fold, all of them or some.
        shrinkages: shares of a scaled identity in the covariance of the features, a probe each;
            None is that of Ledoit and Wolf.

    Attributes:
        features: those of the rows of each fold, less `centre`, the mean over all these rows.
    """

    def __init__(
        self,
        features: Tensor,
        target: Tensor,
        members: list[Tensor],
        shrinkages: Sequence[float | None],
    ) -> None:
        self.width = target.shape[2]
        count = [len(rows) for rows in members]
        # Fold after fold, and about the grand mean, so that sums over folds can be subtracted
        # without loss. (A fold at a time: the memory of a copy is used again by the next.)
        ordered = features.new_empty(sum(count), features.shape[1], dtype=torch.float64)
        self.features = ordered.split(count)
        for rows, part in zip(members, self.features, strict=True):
            part.copy_(features[rows])
        self.centre = ordered.mean(0)
        ordered.sub_(self.centre)
        target = target.transpose(0, 1).flatten(1)[torch.cat(members)]
        parts = list(zip(self.features, target.split(count), strict=True))
        self.count = ordered.new_tensor(count)
        self.feature_sum = torch.stack([x.sum(0) for x, _ in parts])
        self.target_sum = torch.stack([t.sum(0) for _, t in parts])
        self.cross = torch.stack([x.T @ t for x, t in parts])
        self._scatter = torch.stack([gram(x) for x, _ in parts])
        scatter = self._scatter.sum(0)
        # More than rounding, where features do not vary in the folds that are kept.
        self._least = 1e-10 * scatter.trace() / ordered.numel() + 1e-30
        own = [ledoit_wolf(ordered, scatter) if s is None else s for s in shrinkages]
        self._shrinkages = ordered.new_tensor(own)
        folds = range(len(members))
        left_out = [*((k,) for k in folds), *combinations(folds, 2)]
        # So many together that they stay in the cache.
        step = max(1, FITTED // (scatter.numel() * len(own)))
        self._fitted: dict[frozenset[int], tuple[Tensor, Tensor]] = {}
        for start in range(0, len(left_out), step):
            some = left_out[start : start + step]
            self._fitted |= dict(zip(map(frozenset, some), self._fit(some), strict=True))

    def _fit(self, left_out: Sequence[tuple[int, ...]]) -> Iterator[tuple[Tensor, Tensor]]:
        """Coefficients [probes, columns w, D] and intercepts [probes, columns w] of each choice."""
        kept = self.count.repeat(len(left_out), 1)
        for row, out in zip(kept, left_out, strict=True):
            row[list(out)] = 0
        share = (kept > 0) / kept.sum(1, keepdim=True)
        centre, level = share @ self.feature_sum, share @ self.target_sum
        covariance, cross = (
            (share @ sums.flatten(1))
            .unflatten(1, sums.shape[1:])
            .addcmul_(centre[..., None], other[:, None], value=-1)
            for sums, other in ((self._scatter, centre), (self.cross, level))
        )
        shrinkage = self._shrinkages[:, None, None]
        shrunk = (1 - shrinkage) * covariance[:, None]
        scale = covariance.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
        shrunk.diagonal(dim1=2, dim2=3).add_(shrinkage[..., 0] * scale + self._least)
        right = cross[:, None].expand(*shrunk.shape[:3], -1)
        found = solved(shrunk.flatten(0, 1), right.flatten(0, 1)).mT.unflatten(0, shrunk.shape[:2])
        intercept = -(found @ centre[:, None, :, None])[..., 0]
        return zip(found, intercept, strict=True)

    def fitted(self, left_out: Sequence[tuple[int, ...]]) -> tuple[Tensor, Tensor]:
        """Coefficients [choices, columns, probes, w, D] and intercepts [choices, ..., w].

        Args:
            left_out: the folds, for each choice.
        """
        found = [self._fitted[frozenset(out)] for out in left_out]
        weight, bias = (torch.stack(parts) for parts in zip(*found, strict=True))
        shape = (-1, self.width)
        return weight.unflatten(2, shape).transpose(1, 2), bias.unflatten(2, shape).transpose(1, 2)

    def _scores(self, rows: int, *left_out: int) -> list[Tensor]:
        features = self.features[rows].T
        return [
            torch.addmm(bias[:, None], weight, features).unflatten(0, (-1, self.width)).mT
            for weight, bias in zip(*self._fitted[frozenset(left_out)], strict=True)
        ]

    def held_out(self, fold: int) -> list[Tensor]:
        """[columns, rows of the fold, w] centred scores, from probes that have not seen it."""
        return self._scores(fold, fold)

    def inner(self, fold: int) -> list[Tensor]:
        """[columns, rows of all other folds, w], from probes that saw neither fold nor row.

        What is fitted to these scores has not touched the fold.
        """
        scores = [self._scores(k, fold, k) for k in range(len(self.features)) if k != fold]
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
    prior = indicator[..., 1:].mean(1)
    together = indicator[..., 1:].mT @ scores / scores.shape[1]
    return directions(together - prior[..., None] * scores.mean(1, keepdim=True), prior)


def directions(together: Tensor, share: Tensor) -> Tensor:
    """The directions [..., C - 1, C - 1] of `discriminant`, from moments.

    Args:
        together: [..., C - 1, C - 1] covariance of the indicators, and of the scores, of all
            classes but the first.
        share: [..., C - 1] of these classes.
    """
    s = share.shape[-1]
    if s == 1:  # the same in closed form
        spread = (share * (1 - share))[..., None]
        value = together / spread
        # Only one class, or nothing learnt: none. (What is not a number is no signal.)
        learnt = (spread > RARE) & (value > 0)
        return torch.where(learnt, 1 / (spread * (1 - value.clamp(0, MOST_CERTAIN))), 0)
    identity = torch.eye(s, dtype=share.dtype, device=share.device)
    # The indicator of class 0 is one, and the score none, less the sum of the others.
    with_first = torch.cat([-torch.ones_like(identity[:, :1]), identity], 1)
    prior = torch.cat([1 - share.sum(-1, keepdim=True), share], -1)
    root = torch.where(prior > RARE, prior, torch.inf).rsqrt()  # 0 for a class that is not there
    signal = root[..., None] * (with_first.T @ together @ with_first) * root[..., None, :]
    value, axes = torch.linalg.eigh((signal + signal.mT) / 2)
    stretch = 1 / (1 - value.clamp(0, MOST_CERTAIN))
    among = root[..., None] * (axes * stretch[..., None, :] @ axes.mT) * root[..., None, :]
    direction = with_first @ among
    learnt = value.sum(-1) > 0
    return (direction[..., 1:] - direction[..., :1]) * learnt[..., None, None]


def others(members: list[Tensor], fold: int) -> Tensor:
    """The rows in all folds but one, in the order of `RidgeProbes.inner`."""
    return torch.cat([rows for k, rows in enumerate(members) if k != fold])


class Discriminants:
    """Discriminants of the scores of ridge probes, as linear functions of the features.

    The log odds of each class against class 0 are those of `log_odds`, without the scores: all
    that a discriminant needs of these are moments, which come from sums over the folds.

    Args:
        probes: of the class indicators, one class left out as redundant.

    Attributes:
        share: [folds, columns, C - 1] of the classes outside of each fold.
        length: [folds] rows outside of each fold, and `most` the most.
        own: [folds, columns, M, C - 1, D] coefficients and [..., C - 1] intercepts of the log odds
            for the rows of each fold, by the probes that have not seen it.
    """

    def __init__(self, probes: RidgeProbes) -> None:
        self._features, self._count = probes.features, [len(part) for part in probes.features]
        folds = len(self._count)
        self.length, self.most = probes.count.sum() - probes.count, sum(self._count)
        self.most -= min(self._count)
        total = probes.target_sum.sum(0) - probes.target_sum
        self.share = (total / self.length[:, None]).unflatten(1, (-1, probes.width))
        # For the rows of fold k, steps 1, 2 ... below it: the fold beside k that was left out.
        self._fold = [[(k - step) % folds for step in range(1, folds)] for k in range(folds)]
        pairs = [(k, fold) for k, beside in enumerate(self._fold) for fold in beside]
        weight, bias = (part.unflatten(0, (folds, -1)) for part in probes.fitted(pairs))
        direction = self._direction(probes, weight, bias)
        self._inner = _turned(weight, bias, direction[torch.tensor(self._fold)])
        self.own = _turned(*probes.fitted([(k,) for k in range(folds)]), direction)

    def _direction(self, probes: RidgeProbes, weight: Tensor, bias: Tensor) -> Tensor:
        """[folds, columns, M, C - 1, C - 1] for each fold, from the scores outside of it.

        Args:
            probes: with sums over the folds.
            weight: [folds, steps, columns, M, C - 1, D], `bias`: [folds, ..., C - 1] of the scores.
        """
        shape = (-1, probes.width)
        cross = probes.cross.mT.unflatten(1, shape)[:, None, :, None]
        target = probes.target_sum.unflatten(1, shape)[:, None, :, None, :, None]
        # Summed over the rows of each fold: target times score, and score.
        product = cross @ weight.mT + target * bias[..., None, :]
        total = (weight @ probes.feature_sum[:, None, None, None, :, None])[..., 0]
        total = total + probes.count[:, None, None, None, None] * bias
        product, total = (
            sum(part[:, step - 1].roll(-step, 0) for step in range(1, len(self._count)))
            / self.length.view(-1, *[1] * (part.dim() - 2))
            for part in (product, total)
        )
        share = self.share[:, :, None]
        return directions(product - share[..., None] * total[..., None, :], share)

    @property
    def present(self) -> Tensor | None:
        """[folds, most] which of the places of `inner` hold a row; None: all do."""
        if len(set(self._count)) == 1:
            return None
        place = torch.arange(self.most, device=self.share.device)
        return (place < self.length[:, None]).to(self.share.dtype)

    def inner(self, columns: slice) -> Tensor:
        """[folds, columns, M, C - 1, most] log odds of the rows outside of each fold.

        The probes saw neither fold nor row. After a fold come those that follow it, around; what
        is left is 0.
        """
        weights, biases = (part[:, :, columns] for part in self._inner)
        folds = len(self._count)
        odds = weights.new_empty(folds, *biases.shape[2:], self.most)
        for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            found = (weight.flatten(0, -2) @ self._features[k].T).view(*bias.shape, -1)
            for own, level, fold in zip(found, bias, self._fold[k], strict=True):
                before = [(fold + step) % folds for step in range(1, (k - fold) % folds)]
                start = sum(self._count[other] for other in before)
                rows = slice(start, start + self._count[k])
                torch.add(own, level[..., None], out=odds[fold, ..., rows])
        for own, length in zip(odds, self._count, strict=True):
            own[..., sum(self._count) - length :] = 0
        return odds

    def around(self, values: Tensor) -> Tensor:
        """[folds, ..., most] of values [..., n], fold after fold, in the order of `inner`."""
        twice, ends = torch.cat([values, values], -1), list(accumulate(self._count))
        rows = [
            twice[..., end : end + sum(self._count) - own]
            for end, own in zip(ends, self._count, strict=True)
        ]
        return torch.stack([pad(own, (0, self.most - own.shape[-1])) for own in rows])


def _turned(weight: Tensor, bias: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Coefficients [..., C - 1, D] and intercepts [..., C - 1] of log odds, of those of scores.

    Args:
        weight: [..., C - 1, D], `bias`: [..., C - 1] of the scores.
        direction: [..., C - 1, C - 1].
    """
    if bias.shape[-1] == 1:  # the same, without a product of many small matrices
        return (direction * weight).contiguous(), direction[..., 0] * bias
    return (direction.mT @ weight).contiguous(), (direction.mT @ bias[..., None])[..., 0]
