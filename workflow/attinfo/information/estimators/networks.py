"""Small networks for all columns of outputs at once: how they are trained and stopped.

Every column and held-out fold has a network of its own; those of a fold see the same states, so a
layer of all of them is one batched product. A network has one value a class, T(h) = A h +
B tanh(W h + w) + b. A, B and b start at zero, where the estimate is zero. A network that never
improves on the texts that stop its training keeps these values.

Adam with decoupled weight decay (Kingma & Ba 2015, Loshchilov & Hutter 2019) is written out:
the first optimiser that `torch.optim` makes imports a compiler for seconds.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from attinfo.information.estimators.posterior import log_prior_of
from attinfo.information.sample import Sample
from attinfo.runtime.seeds import seed_of

RATE = 0.005
DECAY = 0.01  # of every parameter in a step
MOMENTS = 0.9, 0.999
STEPS = 300
PATIENCE = 40  # steps without a better validation loss in any column
BATCH = 4096  # states in a step, at most
ELEMENTS = 2**21  # columns x states x hidden units held at a time

Objective = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(T [columns, n, C], indicator [columns, n, C], log prior [columns, 1, C]) -> loss [columns]."""


class _Networks:
    """One network a column, all from the same start.

    Args:
        columns, width, hidden, classes: sizes of A [columns, width, classes],
            W [columns, width, hidden] and so on.
        device: of the parameters.
    """

    def __init__(
        self, columns: int, width: int, hidden: int, classes: int, device: torch.device
    ) -> None:
        draw = torch.Generator().manual_seed(seed_of("network", width, hidden))
        inward = torch.randn(width, hidden, generator=draw, dtype=torch.float32) / width**0.5
        # Without offsets tanh is odd, and an even dependence such as XOR is hardly ever found.
        offset = torch.randn(1, hidden, generator=draw, dtype=torch.float32)
        sizes = (width, classes), (hidden, classes), (1, classes)
        self._parameters = [
            *(torch.zeros(columns, *s, device=device, dtype=torch.float32) for s in sizes),
            inward.to(device).repeat(columns, 1, 1),
            offset.to(device).repeat(columns, 1, 1),
        ]
        for p in self._parameters:
            p.requires_grad_()
        self._moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self._parameters]
        self._taken = 0

    def values(self, inputs: Tensor) -> Tensor:
        """T [columns, n, C] of inputs [n, width]."""
        linear, outward, level, inward, offset = self._parameters
        shared = inputs.expand(len(linear), -1, -1)
        active = torch.baddbmm(offset, shared, inward).tanh()
        return torch.baddbmm(level, shared, linear) + active @ outward

    def descend(self, loss: Tensor) -> None:
        """One step of Adam down the sum of the columns' losses."""
        gradients = torch.autograd.grad(loss.sum(), self._parameters)
        self._taken += 1
        first, second = (1 - decay**self._taken for decay in MOMENTS)
        with torch.no_grad():
            for p, g, (mean, square) in zip(
                self._parameters, gradients, self._moments, strict=True
            ):
                mean.lerp_(g, 1 - MOMENTS[0])
                square.lerp_(g.square(), 1 - MOMENTS[1])
                p.mul_(1 - DECAY)
                p.addcdiv_(mean, (square / second).sqrt_().add_(1e-8), value=-RATE / first)


def _trained(
    inputs: Tensor,
    indicator: Tensor,
    parts: tuple[Tensor, Tensor, Tensor],
    log_prior: Tensor,
    objective: Objective,
    hidden: int,
) -> Tensor:
    """T [columns, held out, C] of each column at its step of least validation loss.

    Args:
        parts: rows to train on, to stop by, and held out; a step sees up to `BATCH` of the first.
    """
    training, validation, held_out = parts
    columns, _, classes = indicator.shape
    networks = _Networks(columns, inputs.shape[1], hidden, classes, inputs.device)
    unseen = inputs[torch.cat([validation, held_out])]
    stride = -(-len(training) // BATCH)
    best, kept, last = inputs.new_full((columns,), torch.inf), None, 0
    for step in range(STEPS):
        if step % stride == 0:
            with torch.no_grad():
                values = networks.values(unseen)
            stops, unseen_values = values.split([len(validation), len(held_out)], 1)
            loss = objective(stops, indicator[:, validation], log_prior)
            better = loss < best
            kept = (
                unseen_values
                if kept is None
                else torch.where(better[:, None, None], unseen_values, kept)
            )
            best = torch.where(better, loss, best)
            last = step if bool(better.any()) else last
            if step - last >= PATIENCE:
                break
        batch = training[step % stride :: stride]
        values = networks.values(inputs[batch])
        networks.descend(objective(values, indicator[:, batch], log_prior))
    assert kept is not None
    return kept


def held_out_values(
    inputs: Tensor, sample: Sample, objective: Objective, hidden: int
) -> tuple[Tensor, Tensor]:
    """T and log p(y), both [1 + P, n, C], from networks that have not seen a state's fold.

    The fold after the one held out stops the training; the others train, and give p(y).

    Args:
        inputs: [n, m] float32 features of the states, about zero and of variance about one.
        objective: what is made small.
        hidden: units of the hidden layer.
    """
    # Outside of any inference mode of the caller, whose tensors could have no gradients.
    with torch.inference_mode(False), torch.enable_grad():
        return _held_out(
            inputs.clone(), sample.indicator.clone(), sample.members, objective, hidden
        )


def _held_out(
    inputs: Tensor, indicator: Tensor, members: list[Tensor], objective: Objective, hidden: int
) -> tuple[Tensor, Tensor]:
    """See `held_out_values`."""
    values, log_prior = torch.empty_like(indicator), torch.empty_like(indicator)
    members = [rows.clone() for rows in members]
    block = max(1, ELEMENTS // (min(len(inputs), BATCH) * hidden))
    for fold, rows in enumerate(members):
        stop = (fold + 1) % len(members)
        training = torch.cat([m for k, m in enumerate(members) if k not in (fold, stop)])
        for c in torch.arange(len(indicator), device=inputs.device).split(block):
            prior = log_prior_of(indicator[c][:, training])
            parts = training, members[stop], rows
            trained = _trained(inputs, indicator[c], parts, prior, objective, hidden)
            values[c[:, None], rows] = trained
            log_prior[c[:, None], rows] = prior
    return values, log_prior


def log_ratio_of(values: Tensor, log_prior: Tensor) -> Tensor:
    """[columns, n, C] log q(y | h) - log p(y), where q is in proportion to p exp T."""
    return values - (values + log_prior).logsumexp(2, keepdim=True)


def cross_entropy(values: Tensor, indicator: Tensor, log_prior: Tensor) -> Tensor:
    """[columns] log loss of q in proportion to p exp T, less that of the prior p, in nats."""
    return -(log_ratio_of(values, log_prior) * indicator).sum(2).mean(1)
