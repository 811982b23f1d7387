"""Small networks on the few directions in which an output bends.

A network has the values T(h) = A z + B tanh(V z + v) + b of z = W h. It starts from the directions
that moments find, see `directions`, with A, B and b zero, and turns W while it learns the rest. For
each pair of folds there is one network, trained without both folds and stopped twice: by the first
fold, and by the second fold. The values for a held-out fold are means over the networks that left
out this fold and were stopped by another fold. So the values do not depend on the held-out fold.
Where no direction is more than noise, no network is trained, and the values are zero.
"""

from itertools import combinations

import torch
from torch import Tensor

from attinfo.information.estimators.directions import Directions, bent_directions
from attinfo.information.estimators.posterior import log_prior_of
from attinfo.information.sample import Sample
from attinfo.runtime.seeds import seed_of

HIDDEN = 36
STEPS = 150  # all are taken: whether a fold would stop earlier must not touch another's networks
FIXED = 60  # first steps, in which the directions stay
RATE, TURN = 0.05, 0.002  # of the steps of Adam, and of those that turn the directions
DECAY = 0.1  # of every parameter, times its rate
MOMENTS = 0.9, 0.99
BATCH = 4096  # states in a step, at most
ELEMENTS = 2**21  # networks x states x hidden units held at a time


class Projections:
    """Log odds of the classes by networks on bent directions.

    Args:
        components: [n, d] principal components of the states, and their `variance` [d].
        sample: with outputs and folds.
    """

    def __init__(self, components: Tensor, variance: Tensor, sample: Sample) -> None:
        self._members = sample.members
        self._pairs = list(combinations(range(len(self._members)), 2))
        # Outside of any inference mode of the caller, whose tensors could have no gradients.
        with torch.inference_mode(False), torch.enable_grad():
            states, indicator = components.float().clone(), sample.indicator.clone()
            found = bent_directions(states, variance.clone(), sample, self._pairs)
            self._values = _values(states, indicator, found, self._pairs, self._members)
        # [columns, pairs] the place of a network among the values; the first are no network's.
        self._place = found.bent.flatten().cumsum(0).view_as(found.bent) * found.bent

    def log_odds(self, fold: int) -> tuple[Tensor, Tensor]:
        """[columns, rows, C - 1, 1] for the rows of all other folds, and for those of the fold."""
        inner, held_out = [], []
        for k, rows in enumerate(self._members):
            if k == fold:
                continue
            pair = self._pairs.index((min(fold, k), max(fold, k)))
            values = self._values[self._place[:, pair], int(k > fold)]
            inner.append(values[:, rows])
            held_out.append(values[:, self._members[fold]])
        both = torch.cat(inner, 1), torch.stack(held_out).mean(0)
        one, other = ((v[..., 1:] - v[..., :1])[..., None] for v in both)
        return one, other


def _values(
    states: Tensor,
    indicator: Tensor,
    found: Directions,
    pairs: list[tuple[int, int]],
    members: list[Tensor],
) -> Tensor:
    """T [1 + networks, 2, n, C]: stopped by the first fold of the pair, by the second.

    The first are zero, for where there is no network.
    """
    n, classes = indicator.shape[1:]
    fold = torch.empty(n, dtype=torch.int64, device=states.device)
    for k, rows in enumerate(members):
        fold[rows] = k
    networks = torch.nonzero(found.bent)
    values = [states.new_zeros(1, 2, n, classes)]
    block = max(1, ELEMENTS // (min(n, BATCH) * HIDDEN))
    for some in networks.split(block) if len(networks) else ():
        column, pair = some.T
        own = torch.tensor([pairs[p] for p in pair.tolist()], device=states.device)
        scale, weight = found.scale[column, pair], found.weight[column, pair]
        stops = fold == own[..., None]
        values.append(_trained(states, indicator[column], scale, weight, stops))
    return torch.cat(values)


def _trained(
    states: Tensor, indicator: Tensor, scale: Tensor, weight: Tensor, stops: Tensor
) -> Tensor:
    """T [networks, 2, n, C] at the step that is best on either fold that stops.

    Args:
        states: [n, d].
        indicator: [networks, n, C].
        scale: [networks, d], `weight`: [networks, d, k], see `Directions`.
        stops: [networks, 2, n] bool, the rows of the folds left out.
    """
    seen = (~stops.any(1)).float()
    log_prior = torch.stack(
        [log_prior_of(y[None, rows.bool()])[0] for y, rows in zip(indicator, seen, strict=True)]
    ).view(len(seen), 1, -1)
    judged = stops.float() / stops.sum(2, keepdim=True)
    network = _Networks(states, scale, weight, indicator.shape[2])
    best = states.new_full(stops.shape[:2], torch.inf)
    kept = indicator.new_zeros(*stops.shape, indicator.shape[2])
    stride = -(-len(states) // BATCH)
    for step in range(STEPS * stride):
        rows = slice(step % stride, None, stride)
        values = network.values(states[rows])
        surprise = _surprise(values, indicator[:, rows], log_prior)
        if step % stride == 0:
            with torch.no_grad():
                every, shown = values, surprise
                if stride > 1:
                    every = network.values(states)
                    shown = _surprise(every, indicator, log_prior)
                loss = (judged @ shown[..., None])[..., 0]
                better = loss < best
                best = torch.where(better, loss, best)
                kept = torch.where(better[..., None, None], every[:, None], kept)
        part = seen[:, rows]
        network.descend((surprise * part).sum(1) / part.sum(1).clamp(min=1), step)
    return kept


def _surprise(values: Tensor, indicator: Tensor, log_prior: Tensor) -> Tensor:
    """[networks, n] -log q at the realised output, q in proportion to p exp T."""
    return -((values + log_prior).log_softmax(2) * indicator).sum(2)


class _Networks:
    """Networks on directions of their own.

    Args:
        states: [n, d].
        scale: [networks, d], `weight`: [networks, d, k].
        classes: C.
    """

    def __init__(self, states: Tensor, scale: Tensor, weight: Tensor, classes: int) -> None:
        count, _, width = weight.shape
        draw = torch.Generator().manual_seed(seed_of("projections", width))
        inward = torch.randn(width, HIDDEN, generator=draw, dtype=torch.float32)
        offset = torch.randn(1, HIDDEN, generator=draw, dtype=torch.float32)
        self._scale, self._alive = scale[..., None], weight.abs().amax(1, keepdim=True) > 0
        size = (states @ (self._scale * weight)).square().mean(1, keepdim=True).sqrt()
        sizes = (width, classes), (HIDDEN, classes), (1, classes)
        self._parameters = [
            weight / size.clamp(min=1e-30),
            inward.to(states.device).repeat(count, 1, 1),
            offset.to(states.device).repeat(count, 1, 1),
            *(states.new_zeros(count, *s) for s in sizes),
        ]
        for p in self._parameters:
            p.requires_grad_()
        self._moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self._parameters]

    def values(self, states: Tensor) -> Tensor:
        """T [networks, n, C] of states [n, d]."""
        weight, inward, offset, linear, outward, level = self._parameters
        turned = (self._scale * weight).transpose(0, 1).flatten(1)
        read = (states @ turned).view(len(states), len(weight), -1).transpose(0, 1)
        active = torch.baddbmm(offset, read, inward).tanh()
        return torch.baddbmm(level, read, linear) + active @ outward

    def descend(self, loss: Tensor, step: int) -> None:
        """One step of Adam with decoupled decay down the sum of the networks' losses."""
        fixed = step < FIXED
        parameters = self._parameters[fixed:]
        gradients = torch.autograd.grad(loss.sum(), parameters)
        with torch.no_grad():
            for place, (p, g) in enumerate(zip(parameters, gradients, strict=True), fixed):
                taken, rate = (step + 1, RATE) if place else (step + 1 - FIXED, TURN)
                mean, square = self._moments[place]
                mean.lerp_(g if place else g * self._alive, 1 - MOMENTS[0])
                square.lerp_(g.square(), 1 - MOMENTS[1])
                first, second = (1 - decay**taken for decay in MOMENTS)
                rate /= 2 if place in (1, 2) else 1  # the inner layer
                p.mul_(1 - DECAY * rate)
                p.addcdiv_(mean, (square / second).sqrt_().add_(1e-8), value=-rate / first)
