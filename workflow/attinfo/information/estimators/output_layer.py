"""Usable information of the model's own output layer, which reads each state by itself.

The output layer reads the weighted sum of the states of a text: logits = W sum_i a_i h_i + b. Here
it reads one state, W h + b, and no direction is learnt. For a single state, the probabilities of
these logits are much too high or too low, so one scale and C - 1 biases are fitted to the texts of
the other folds (temperature scaling with biases, Guo et al. 2017) and the result is the posterior.
"""

import torch
from torch import Tensor

from attinfo.information.estimators.posterior import (
    RARE,
    least_seen,
    log_posterior_of,
    most_likely,
    within,
)
from attinfo.information.sample import HeldOut, Measured, Sample
from attinfo.runtime.errors import InputError

PRECISION = 0.1  # of the prior of the scale, for log odds of unit size; it keeps the scale finite
VALUES = 2**19  # log odds at a time: they stay in the cache


def output_layer_probe(sample: Sample) -> Measured:
    """The model's own output layer on each state: scale and biases are cross-fitted, no direction.

    The scale is not negative. If the layer prefers the wrong classes, the information is zero.

    Raises:
        InputError: the sample has no output layer.
    """
    odds, members = log_odds(sample), sample.members
    output = sample.output[sample.text].T.contiguous()
    present = odds.new_ones(len(members), 1, len(output[0]))
    for fold, rows in enumerate(members):
        present[fold, :, rows] = 0
    step = max(1, VALUES // (len(members) * odds.numel()))
    fitted = [_calibrated(odds, some, present, sample.classes) for some in output.split(step)]
    scale, bias, least, log_prior = (torch.cat(parts, 1) for parts in zip(*fitted, strict=True))
    held_out = HeldOut(output)
    for fold, rows in enumerate(members):
        own = scale[fold, ..., None] * odds[:, rows] + bias[fold, ..., None]
        held_out.add(rows, within(least[fold], log_posterior_of(own, 1), 1), log_prior[fold])
    return held_out.measured()


def log_odds(sample: Sample) -> Tensor:
    """[C - 1, n] float64 log odds of each class against class 0, as the output layer reads them.

    Of unit size, so that the prior of the scale is as weak for every model.

    Raises:
        InputError: the sample has no output layer.
    """
    if sample.output_layer is None:
        raise InputError(
            "estimator 'output_layer': found no output layer of the model, expected a store with "
            "the tensors 'output_weight' and 'output_bias', or `output_layer=(weight, bias)`"
        )
    weight, bias = (part.double() for part in sample.output_layer)
    odds = (weight[1:] - weight[0]) @ sample.hidden.double().T + (bias[1:] - bias[0])[:, None]
    return odds / (odds.square().mean().sqrt() + 1e-30)


def _calibrated(
    odds: Tensor, output: Tensor, present: Tensor, classes: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scale and biases for each fold left out, fitted to the rows of the others.

    Args:
        odds: [C - 1, n] of `log_odds`.
        output: [columns, n] classes.
        present: [folds, 1, n] 1 at the rows outside of each fold, else 0.
        classes: C.

    Returns:
        [folds, columns, 1] scales, [folds, columns, C - 1] biases, [folds, columns] the least log
        probability of any class and row, and [folds, columns, C, 1] log shares of the classes.
    """
    many = len(present), len(output)
    indicator = (output[:, None] == torch.arange(classes, device=output.device)[:, None]).double()
    there = present.repeat_interleave(many[1], 0)
    seen = (present[:, None] * indicator).flatten(0, 1)
    logits = (present[:, None] * odds).expand(many[0], many[1], *odds.shape).flatten(0, 1)
    target = seen[:, 1:].contiguous()
    scale, bias, found = most_likely(logits[:, None], target, PRECISION, there)
    least = least_seen(found * there)
    log_prior = (seen.sum(2, keepdim=True) / there.sum(2, keepdim=True)).clamp(min=RARE).log()
    scale, bias, least, log_prior = (
        part.unflatten(0, many) for part in (scale, bias, least, log_prior)
    )
    return scale, bias, least, log_prior
