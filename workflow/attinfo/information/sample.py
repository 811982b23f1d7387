"""What every estimator takes and gives."""

from dataclasses import dataclass

import torch
from torch import Tensor

from attinfo.seeds import seed_of


@dataclass(frozen=True)
class Sample:
    """States and outputs of one unit: who told what, in which text.

    A state belongs to a text, and an output belongs to the text, so all states of a text share
    it. A unit of the index `position` or `rank` has one state a text, `instance` has all.

    Attributes:
        hidden: [n, d] float32.
        text: [n] int64, the row of `output` that each state belongs to.
        output: [texts, 1 + P] int64 classes 0..C-1. The first column is the model's output, the
            others are permutations of it among the texts, for the null.
        classes: C.
        fold: [texts] int64, the fold of cross-fitting that each text is in.
        reference: [texts] int64 or None: for each text the row of `hidden` that stands for it
            where an estimator must have one state a text; None where `text` has no repeats.
    """

    hidden: Tensor
    text: Tensor
    output: Tensor
    classes: int
    fold: Tensor
    reference: Tensor | None = None


@dataclass(frozen=True)
class Estimate:
    """Information of one unit, in nats, signed as it was estimated.

    Attributes:
        pvi: [n] pointwise information, log q(y | h) - log p(y) at the realised output; its mean
            is the estimate.
        gain: [n] KL(q(y | h) || p(y)) >= 0, or None where the method has no posterior.
        null: [P] the estimate under each permutation of the outputs.
    """

    pvi: Tensor
    gain: Tensor | None
    null: Tensor


def folds(output: Tensor, count: int, seed: int) -> Tensor:
    """[texts] a fold for each text: seeded, of equal sizes, stratified by output."""
    generator = torch.Generator().manual_seed(seed_of("folds", seed))
    order = torch.randperm(len(output), generator=generator)
    order = order[output[order].argsort(stable=True)]
    fold = torch.empty_like(order)
    fold[order] = torch.arange(len(order)) % count
    return fold


def with_permutations(output: Tensor, count: int, seed: int) -> Tensor:
    """[texts, 1 + count]: the output, and seeded permutations of it among the texts."""
    generator = torch.Generator().manual_seed(seed_of("permutations", seed))
    columns = [output]
    columns += [output[torch.randperm(len(output), generator=generator)] for _ in range(count)]
    return torch.stack(columns, 1)
