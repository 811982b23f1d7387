"""Directions in which an output bends: where the spread of the states differs between outputs.

A linear probe sees how the mean state differs between outputs. A boundary that bends shows in
moments of second and third order, and these find its directions whatever the variance of the
others: principal Hessian directions (Li 1992; for several classes the sum of squares, as in
sliced average variance estimates, Cook & Weisberg 1991), and the means of the states weighted by a
square or cube of the linear score. Moments of second and third order are sums over folds, so only
the directions by the linear score take a pass over the states for each choice of folds left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import math

import torch
from torch import Tensor

from attinfo.information.sample import Sample
from attinfo.runtime.seeds import seed_of

SOFTNESS = (0.03, 1.0)  # of whitening, share of the mean variance: the one that shows more is used
RIDGE = 0.1  # added to the covariance of whitened states in the linear direction
HESSIAN, HIGHER = 4, 2  # directions by second moments, and by the linear score's square or cube
CUBIC, LEADING = 2, 16  # directions by third moments, of so many leading components
ITERATIONS = 10  # of subspace iteration
HELD = 2**25  # numbers, of matrices of second moments
REFERENCES = 2  # outputs drawn at random, that say how large moments are without bends
# By how much more than without bends a moment must show a direction: times d^(-2/3) of second
# moments (as the largest eigenvalue spreads), (2d)^(-1/2) of a mean state, 1/d of third moments,
# where d is the effective number of directions (of third moments the number).
DEVIATIONS = (3.0, 4.0, 3.0)


@dataclass(frozen=True)
class Directions:
    """Directions by output column and choice of folds left out.

    Attributes:
        scale: [columns, choices, d] of each component, that whitens softly.
        weight: [columns, choices, d, k] on the scaled components; zero where a direction is not
            more than noise. The first C - 1 are the linear ones.
        bent: [columns, choices] bool: there are others.
    """

    scale: Tensor
    weight: Tensor
    bent: Tensor


def bent_directions(
    components: Tensor, variance: Tensor, sample: Sample, choices: Sequence[tuple[int, ...]]
) -> Directions:
    """Directions from the states outside of each choice of folds.

    Args:
        components: [n, d] float32 principal components, and their `variance` [d].
        sample: with outputs and folds.
        choices: folds left out.
    """
    draw = torch.Generator().manual_seed(seed_of("bends", len(sample.output)))
    texts = len(sample.output)
    orders = [torch.randperm(texts, generator=draw) for _ in range(REFERENCES)]
    # Not of the output itself: nothing of a fold that is left out may touch a threshold.
    shuffled = (torch.stack(orders) % sample.classes).to(components.device)[:, sample.text]
    scales = torch.stack([(variance + s * variance.mean() + 1e-30).rsqrt() for s in SOFTNESS])
    scales = (scales / (variance * scales**2).mean(1, keepdim=True).sqrt()).float()
    d, targets = components.shape[1], sample.classes if sample.classes > 2 else 1
    step = max(1, HELD // (len(sample.members) * targets * d**2) - REFERENCES)
    parts = [
        _chosen(_Moments(components, torch.cat([output, shuffled]), sample), scales, choices)
        for output in sample.output[sample.text].T.split(step)
    ]
    return Directions(*(torch.cat(own) for own in zip(*parts, strict=True)))


def _chosen(
    moments: "_Moments", scales: Tensor, choices: Sequence[tuple[int, ...]]
) -> tuple[Tensor, Tensor, Tensor]:
    """Scale, weight and `bent` of the columns that are no reference, see `Directions`."""
    weight, scale, bent = [], [], []
    for out in choices:
        found = [moments.directions(out, own) for own in scales]
        weights, sizes = (torch.stack(own)[:, :-REFERENCES] for own in zip(*found, strict=True))
        largest, softness = sizes.amax(2).max(0)  # [columns]
        weight.append(weights[softness, range(len(softness))])
        scale.append(scales[softness])
        bent.append(largest > 0)
    return torch.stack(scale, 1), torch.stack(weight, 1), torch.stack(bent, 1)


class _Moments:
    """Sums over folds of products of states and outputs.

    Args:
        components: [n, d].
        output: [columns, n] int64, the last `REFERENCES` columns at random.
        sample: with folds and classes.
    """

    def __init__(self, components: Tensor, output: Tensor, sample: Sample) -> None:
        self._components, self._members = components, sample.members
        classes = torch.arange(1 if sample.classes == 2 else 0, sample.classes)
        self._target = (output[:, None] == classes.to(output.device)[:, None]).float()
        self._count = components.new_tensor([len(rows) for rows in self._members])
        parts = [(components[rows], self._target[:, :, rows]) for rows in self._members]
        self._sum = torch.stack([x.sum(0) for x, _ in parts])
        self._scatter = torch.stack([x.T @ x for x, _ in parts])
        self._total = torch.stack([t.sum(2) for _, t in parts])
        self._cross = torch.stack([t @ x for x, t in parts])
        # [folds, columns, targets, d, d]
        shape = (*self._target.shape[:2], *self._scatter.shape[1:])
        self._second = components.new_empty(len(parts), *shape)
        leading = min(LEADING, components.shape[1])
        self._size = components[:, :leading].square().mean(0).sqrt().clamp(min=1e-30)
        units = [components[rows, :leading] / self._size for rows in self._members]
        products = [(u[:, :, None] * u[:, None]).flatten(1) for u in units]
        self._third = torch.stack(
            [
                ((t[:, :, None] * u.T).flatten(0, 2) @ q).view(*t.shape[:2], leading, -1)
                for (_, t), u, q in zip(parts, units, products, strict=True)
            ]
        )
        self._skew = torch.stack([u.T @ q for u, q in zip(units, products, strict=True)])
        self._slope = torch.stack([t @ u for (_, t), u in zip(parts, units, strict=True)])
        self._middle = torch.stack([u.sum(0) for u in units])
        for own, (x, target) in zip(self._second, parts, strict=True):
            for column, by_class in zip(own, target, strict=True):
                for matrix, indicator in zip(column, by_class, strict=True):
                    chosen = x[indicator.bool()]
                    torch.mm(chosen.T, chosen, out=matrix)

    def directions(self, left_out: tuple[int, ...], scale: Tensor) -> tuple[Tensor, Tensor]:
        """Weights [columns, d, k], and by how much each of them is above what noise would be.

        Args:
            left_out: folds.
            scale: [d] of the components.
        """
        kept = [k for k in range(len(self._members)) if k not in left_out]
        count = self._count[kept].sum()
        share = self._total[kept].sum(0) / count  # [columns, targets]
        scatter = scale[:, None] * self._scatter[kept].sum(0) / count * scale
        second = scale[:, None] * self._second[kept].sum(0) / count * scale
        spread = (share * (1 - share)).clamp(min=1e-12).sqrt()
        hessian = (second - share[..., None, None] * scatter) / spread[..., None, None]
        linear = self._linear(kept, share, scatter, scale, count)
        # What the linear score shows by itself, through the states that go with it, is no bend.
        beside = linear @ scatter
        beside = beside / (beside * linear).sum(2, keepdim=True).clamp(min=1e-30)
        along = (linear[..., None, :] @ hessian @ linear[..., None])[..., 0, 0]
        hessian = hessian - along[..., None, None] * (beside[..., None] * beside[..., None, :])
        bends, size = _leading(hessian)
        higher, above = self._higher(kept, share, linear, beside, scale)
        cubic, beyond = self._cubic(kept, share, spread, count)
        d = len(scale)
        effective = float(scatter.trace() ** 2 / scatter.square().sum().clamp(min=1e-30))
        size = size / size[-REFERENCES:, :1].mean().clamp(min=1e-30)
        above = above / above[-REFERENCES:, :1].mean().clamp(min=1e-30)
        size = (size - 1 - DEVIATIONS[0] * effective ** (-2 / 3)).clamp(min=0)
        above = (above - 1 - DEVIATIONS[1] / math.sqrt(2 * effective)).clamp(min=0)
        beyond = beyond / beyond[-REFERENCES:, :1].mean().clamp(min=1e-30)
        beyond = (beyond - 1 - DEVIATIONS[2] / cubic.shape[1]).clamp(min=0)
        cubic = torch.nn.functional.pad(cubic, (0, 0, 0, d - cubic.shape[1]))
        rivals = linear[:, -max(1, linear.shape[1] - 1) :]
        weight = torch.cat(
            [
                rivals.mT,
                bends * (size > 0)[:, None],
                higher * (above > 0)[:, None],
                cubic / scale[:, None] * (beyond > 0)[:, None],
            ],
            2,
        )
        return weight, torch.cat([size, above, beyond], 1)

    def _linear(
        self, kept: list[int], share: Tensor, scatter: Tensor, scale: Tensor, count: Tensor
    ) -> Tensor:
        """Unit vectors [columns, targets, d] of ridge regression."""
        mean = scale * self._sum[kept].sum(0) / count
        cross = scale * self._cross[kept].sum(0) / count - share[..., None] * mean
        ridge = scatter + RIDGE * torch.eye(len(scale), dtype=scale.dtype, device=scale.device)
        found = torch.linalg.solve_ex(ridge, cross.flatten(0, 1).mT)[0].mT.view_as(cross)
        return found / found.norm(dim=2, keepdim=True).clamp(min=1e-30)

    def _higher(
        self, kept: list[int], share: Tensor, linear: Tensor, beside: Tensor, scale: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Unit vectors [columns, d, HIGHER] beside the linear one, and sizes that noise has as 1.

        The covariance of the states and the output, weighted by the square or the cube of the
        linear score: where a boundary bends with the score it leaves the linear direction.
        """
        rows = torch.cat([self._members[k] for k in kept])
        states = self._components[rows] * scale
        rest = self._target[:, :, rows] - share[..., None]
        score = linear @ states.mT
        score = score - score.mean(2, keepdim=True)
        score = score / score.square().mean(2, keepdim=True).sqrt().clamp(min=1e-30)
        powers = torch.cat([score**2 - 1, score**3 - 3 * score], 1)
        weighted = powers * rest.repeat(1, 2, 1)
        weighted = weighted - weighted.mean(2, keepdim=True)
        found = weighted @ states / len(rows)
        noise = (weighted.square() @ states.square().sum(1) / len(rows) ** 2).sqrt()
        along = (found * linear.repeat(1, 2, 1)).sum(2, keepdim=True)
        found = found - along * beside.repeat(1, 2, 1)
        length = found.norm(dim=2)
        size, place = (length / noise.clamp(min=1e-30)).topk(HIGHER, 1)
        unit = found / length.clamp(min=1e-30)[..., None]
        return unit.gather(1, place[..., None].expand(-1, -1, unit.shape[2])).mT, size

    def _cubic(
        self, kept: list[int], share: Tensor, spread: Tensor, count: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Directions [columns, leading, CUBIC] of leading components, and their sizes.

        Those of most covariance of the output with cubes and products of three (Hermite
        polynomials, of a normal state), beyond the linear direction by itself.
        """
        mean = self._middle[kept].sum(0) / count
        slope = self._slope[kept].sum(0) / count - share[..., None] * mean
        third = self._third[kept].sum(0) / count
        third = third - share[..., None, None] * self._skew[kept].sum(0) / count
        m = len(mean)
        third, identity = (
            third.unflatten(3, (m, m)),
            torch.eye(m, dtype=mean.dtype, device=mean.device),
        )
        for place in ("cta,bd->ctabd", "cta,bd->ctbad", "cta,bd->ctbda"):
            third = third - torch.einsum(place, slope, identity)
        unit = slope / slope.norm(dim=2, keepdim=True).clamp(min=1e-30)
        alone = torch.einsum("ctabd,cta,ctb,ctd->ct", third, unit, unit, unit)
        third = third - torch.einsum("ct,cta,ctb,ctd->ctabd", alone, unit, unit, unit)
        third = third.flatten(3) / spread[..., None, None]
        value, axes = torch.linalg.eigh((third @ third.mT).sum(1))
        size = value.flip(1)[:, :CUBIC].clamp(min=0).sqrt()
        missing = CUBIC - size.shape[1]
        pad = torch.nn.functional.pad
        scaled = axes.flip(2)[:, :, :CUBIC] / self._size[:m, None]
        return pad(scaled, (0, missing)), pad(size, (0, missing))


def _leading(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors [columns, d, HESSIAN] that the matrices change most, and by how much.

    Args:
        matrices: [columns, targets, d, d] symmetric: of several the root of the sum of squares.
    """
    columns, _, d, _ = matrices.shape

    def squared(vectors: Tensor) -> Tensor:
        vectors = vectors[:, None]
        return (matrices @ (matrices @ vectors)).sum(1)

    draw = torch.Generator().manual_seed(seed_of("subspace", d))
    width = min(d, 3 * HESSIAN)
    basis = (
        torch.randn(d, width, generator=draw, dtype=torch.float32)
        .to(matrices.device)
        .expand(columns, -1, -1)
    )
    for _ in range(ITERATIONS):
        basis = torch.linalg.qr(squared(basis))[0]
    value, axes = torch.linalg.eigh(basis.mT @ squared(basis))
    found = (basis @ axes).flip(2)[:, :, :HESSIAN]
    size = value.flip(1)[:, :HESSIAN].clamp(min=0).sqrt()
    missing = HESSIAN - found.shape[2]
    return torch.nn.functional.pad(found, (0, missing)), torch.nn.functional.pad(size, (0, missing))
