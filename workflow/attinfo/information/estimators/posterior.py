"""From the log odds of probes to a posterior: pooled and calibrated by logistic regression.

Newton's method solves many small regressions at once, one for each column of outputs and fold.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

NEWTON_STEPS = 8  # at most
SMALLEST_MOVE = 1e-4  # of a weight: the next would be its square
SAFE_CHANGE = 1.5  # of log odds: a smaller step of Newton's cannot lead uphill, see `_downhill`
CALIBRATION_STATES = 4096  # at most: a few parameters a column are fitted to them
MOST_SURE = 30.0  # of log odds
RARE = 1e-12  # the share of a class that a fold's training texts lack


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
    return most_likely(logits, target, precision)[:2]


def most_likely(
    logits: Tensor, target: Tensor, precision: float, present: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """What `pooled` gives, and the weighted log odds, with the states last.

    Args:
        logits: [columns, M, C - 1, n], `target`: [columns, C - 1, n] the indicators.
        precision: of the prior of a weight.
        present: [columns, 1, n] 1, or 0 for what only fills up: logits and target are 0 there.

    Returns:
        [columns, M] weights, [columns, C - 1] biases and [columns, C - 1, n].
    """
    columns, members, rivals, n = logits.shape
    count = n if present is None else present.sum(2, dtype=torch.float64)
    share = target.sum(2, dtype=torch.float64) / count
    rest = 1 - share.sum(1, keepdim=True)
    bias = share.clamp(min=RARE).log() - rest.clamp(min=RARE).log()
    found = pad(bias, (members, 0))
    odds = bias.to(logits.dtype)[..., None].expand(columns, rivals, n).contiguous()
    _newton(logits, target, precision, present, found, odds, NEWTON_STEPS)
    weight, bias = found.split((members, rivals), 1)
    return weight, bias, odds


def _newton(
    logits: Tensor,
    target: Tensor,
    precision: float,
    present: Tensor | None,
    found: Tensor,
    odds: Tensor,
    steps: int,
) -> None:
    """So many steps at most, from what is found, in place.

    Args:
        logits, target, precision, present: see `most_likely`.
        found: [columns, M + C - 1] weights and biases, `odds`: [columns, C - 1, n] at these.
        steps: at most.
    """
    columns, members, rivals, _ = logits.shape
    going = torch.ones_like(found[:, :1], dtype=torch.bool)
    for step in range(steps):
        weight = found[:, :members]
        gradient, hessian = _derivatives(logits, target, odds, weight, precision, present)
        move = solution(hessian, gradient)
        if members == 1:
            move = _not_below(-weight, move, gradient, hessian)
        # No column goes on for another's sake: none depends on what else is fitted with it.
        move = torch.where(going, move, 0)
        by_weight, by_bias = move.to(logits.dtype).split((members, rivals), 1)
        change = (by_weight[:, None] @ logits.flatten(2)).view(odds.shape)
        change = change.add_(by_bias[..., None])
        # With several rivals, what counts is the largest difference between two changes.
        reach = change.abs().amax(2).amax(1) * min(rivals, 2)
        far = torch.nonzero(reach > SAFE_CHANGE)[:, 0]
        if len(far):
            there = None if present is None else present[far]
            moved = move[far, :members]
            part = _downhill(
                odds[far], change[far], weight[far], moved, target[far], precision, there
            )
            move[far] *= part
            change[far] *= part[..., None].to(change.dtype)
        found += move
        odds += change
        going = move.abs().amax(1, keepdim=True) >= SMALLEST_MOVE
        left = torch.nonzero(going)[:, 0]
        if 2 * len(left) <= columns:  # the others need not be carried along
            if len(left):
                there = None if present is None else present[left]
                own, own_odds, rest = found[left], odds[left], steps - step - 1
                _newton(logits[left], target[left], precision, there, own, own_odds, rest)
                found[left], odds[left] = own, own_odds
            break


def solution(hessian: Tensor, gradient: Tensor) -> Tensor:
    """The solutions [columns, D] of positive definite systems [columns, D, D], by Cholesky.

    A system that rounding has made indefinite gets a larger diagonal, which makes its step
    shorter. (Not by LU: torch's batched one may be wrong once a process has set its threads.)
    """
    raised = hessian
    factor, failed = torch.linalg.cholesky_ex(raised)
    share = 1e-9
    while bool(failed.any()) and share < 1:
        size = hessian.diagonal(dim1=1, dim2=2).abs().mean(1)
        more = share * size * (failed > 0)
        raised = raised + more[:, None, None] * torch.eye(
            hessian.shape[1], dtype=hessian.dtype, device=hessian.device
        )
        factor, failed = torch.linalg.cholesky_ex(raised)
        share *= 10
    return torch.cholesky_solve(gradient[..., None], factor)[..., 0]


def _not_below(least: Tensor, move: Tensor, gradient: Tensor, hessian: Tensor) -> Tensor:
    """The move [columns, 1 + s] where the first may not be below `least` [columns, 1]."""
    first = move[:, :1].maximum(least)
    if bool((first == move[:, :1]).all()):
        return move
    rest = gradient[:, 1:] - hessian[:, 1:, 0] * first
    return torch.cat([first, solution(hessian[:, 1:, 1:], rest)], 1)


def _downhill(
    odds: Tensor,
    change: Tensor,
    weight: Tensor,
    move: Tensor,
    target: Tensor,
    precision: float,
    present: Tensor | None,
) -> Tensor:
    """[columns, 1] the part of a step that does not raise the penalised loss: 1, 1/4, 1/16 ...

    It is 1 where no log odds change by more than 1.79: the third derivative of the loss along the
    step is at most R times the second, R the largest change (Bach 2010), so the loss changes by
    at most (exp(R) - 1 - R) / R^2 - 1 times the decrease that Newton's step is to bring.

    Args:
        odds: [columns, s, n] at the weights and biases, and their `change` by the whole step.
        weight: [columns, M], and their `move`.
        target, precision, present: see `most_likely`.
    """

    def loss(part: Tensor) -> Tensor:
        log_odds = torch.addcmul(odds, change, part.to(odds.dtype)[..., None])
        surprise = -log_posterior_of(log_odds, 1)[:, 0] - (target * log_odds).sum(1)
        surprise = surprise if present is None else surprise * present[:, 0]
        # Summed in float64: rounding would pass for a step uphill.
        total = surprise.sum(1, keepdim=True, dtype=torch.float64)
        return total + precision * ((weight + part * move) ** 2).sum(1, keepdim=True) / 2

    part = torch.ones_like(weight[:, :1])
    before = loss(0 * part)
    for _ in range(NEWTON_STEPS):
        uphill = loss(part) > before
        if not bool(uphill.any()):
            break
        part = torch.where(uphill, part / 4, part)
    return part


def _derivatives(
    logits: Tensor,
    target: Tensor,
    odds: Tensor,
    weight: Tensor,
    precision: float,
    present: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Minus the gradient [columns, M + s] of the penalised loss, and its Hessian, in float64.

    Args:
        logits: [columns, M, s, n], `target`: [columns, s, n].
        odds: [columns, s, n] at the weights and biases.
        weight: [columns, M].
        precision: of the prior of a weight.
        present: see `most_likely`.
    """
    columns, _, rivals, _ = logits.shape
    flat = logits.flatten(2)
    posterior = odds.sigmoid() if rivals == 1 else _softmax(odds)
    if present is not None:
        posterior = posterior.mul_(present)
    rest = target - posterior
    pull = (flat @ rest.view(columns, -1, 1))[..., 0].double() - precision * weight
    gradient = torch.cat([pull, rest.sum(2).double()], 1)
    if rivals > 1:
        spread = logits * posterior[:, None]
        spread = spread.addcmul_(spread.sum(2, keepdim=True), posterior[:, None], value=-1)
        own = -(posterior @ posterior.mT).double()
        own.diagonal(dim1=1, dim2=2).add_(posterior.double().sum(2))
    else:  # the same, without a sum over one
        variance = torch.addcmul(posterior, posterior, posterior, value=-1)
        spread = logits * variance[:, None]
        own = variance.sum(2, keepdim=True).double()
    own.diagonal(dim1=1, dim2=2).add_(1e-6)
    block = (spread.flatten(2) @ flat.mT).double()
    block.diagonal(dim1=1, dim2=2).add_(precision)
    mixed = spread.sum(3).double()
    top, bottom = torch.cat([block, mixed], 2), torch.cat([mixed.mT, own], 2)
    return gradient, torch.cat([top, bottom], 1)


def _softmax(odds: Tensor) -> Tensor:
    """[columns, s, n] probabilities of all classes but the first."""
    return pad(odds, (0, 0, 1, 0)).softmax(1)[:, 1:]


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


def log_posterior_of(log_odds: Tensor, dim: int = 2) -> Tensor:
    """[columns, n, C] log probabilities, from log odds [columns, n, C - 1] against class 0.

    The classes stand in `dim`, here and below.
    """
    if log_odds.shape[dim] == 1:  # the same, several times as fast
        total = log_odds.clamp(min=0) + log_odds.abs().neg_().exp_().log1p_()
        return torch.cat([-total, log_odds - total], dim)
    first = torch.zeros_like(log_odds.narrow(dim, 0, 1))
    return torch.cat([first, log_odds], dim).log_softmax(dim)


def least_of(log_posterior: Tensor) -> Tensor:
    """[columns] the smallest log probability that any state [columns, n, C] gives a class."""
    return log_posterior.amin((1, 2))


def least_seen(log_odds: Tensor) -> Tensor:
    """The same [columns], of log odds [columns, C - 1, n]; 0 log odds stand for no state."""
    if log_odds.shape[1] == 1:  # of the surest state
        log_odds = log_odds.abs().amax(2, keepdim=True)
    return least_of(log_posterior_of(log_odds, 1))


def within(least: Tensor, log_posterior: Tensor, dim: int = 2) -> Tensor:
    """[columns, rows, C] log probabilities, none smaller than `least` [columns] (`least_of`).

    A state far outside of what has been seen is then not taken for surer than any of that.
    """
    return log_posterior.maximum(least[:, None, None]).log_softmax(dim)


def log_prior_of(indicator: Tensor) -> Tensor:
    """[columns, 1, C] log shares of the classes in [columns, n, C]."""
    return indicator.mean(1, keepdim=True).clamp(min=RARE).log()


def scaled(inner: Tensor, held_out: Tensor) -> tuple[Tensor, Tensor]:
    """Log odds [columns, n, C - 1, M], those of each column and member divided by their size."""
    size = inner.square().mean((1, 2), keepdim=True).sqrt() + 1e-30
    return inner / size, held_out / size
