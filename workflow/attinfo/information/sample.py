"""What every estimator takes and gives."""

from dataclasses import dataclass

import torch
from torch import Tensor

from attinfo.runtime.seeds import seed_of


@dataclass(frozen=True)
class Sample:
    """States and outputs of one unit: who told what, in which text.

    A state belongs to a text, and an output belongs to the text, so all states of a text share
    it. A unit of the index `position` or `rank` has one state a text, `instance` has all.

    Attributes:
        hidden: [n, d] float32.
        text: [n] int64, the row of `output` that each state belongs to.
        output: [texts, 1 + P] int64 classes 0..C-1, or [texts, 1 + P, c] float64 values. The
            first column is the model's output, the others are permutations of it among the
            texts, for the null.
        classes: C; 0 where the output is continuous.
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

    @property
    def members(self) -> list[Tensor]:
        """The rows of `hidden` in each fold."""
        fold = self.fold[self.text]
        return [torch.nonzero(fold == k).squeeze(1) for k in range(int(self.fold.max()) + 1)]

    @property
    def indicator(self) -> Tensor:
        """[1 + P, n, C] float32, 1 at the class of each state's text, in each column of outputs."""
        output = self.output.T[:, self.text]
        return torch.nn.functional.one_hot(output, self.classes).float()

    def of_texts(self, kept: Tensor) -> "Sample":
        """The texts `kept` ([texts] bool) alone, with the observed output and no permutations."""
        rows = kept[self.text]
        reference = self.reference
        if reference is not None:
            reference = (rows.cumsum(0) - 1)[reference[kept]]
        return Sample(
            hidden=self.hidden[rows],
            text=(kept.cumsum(0) - 1)[self.text[rows]],
            output=self.output[kept, :1],
            classes=self.classes,
            fold=self.fold[kept],
            reference=reference,
        )


@dataclass(frozen=True)
class Measured:
    """What an estimator finds in one unit, in nats, signed as it was estimated.

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
    """[texts] a fold for each text: seeded, of equal sizes, classes stratified."""
    generator = torch.Generator().manual_seed(seed_of("folds", seed))
    order = torch.randperm(len(output), generator=generator)
    if not output.is_floating_point():
        order = order[output.cpu()[order].argsort(stable=True)]
    fold = torch.empty_like(order)
    fold[order] = torch.arange(len(order)) % count
    return fold.to(output.device)


def with_permutations(output: Tensor, count: int, seed: int) -> Tensor:
    """[texts, 1 + count, ...]: the output, and seeded permutations of it among the texts."""
    generator = torch.Generator().manual_seed(seed_of("permutations", seed))
    columns = [output]
    for _ in range(count):
        order = torch.randperm(len(output), generator=generator)
        columns.append(output[order.to(output.device)])
    return torch.stack(columns, 1)


def from_log_ratio(log_ratio: Tensor, log_prior: Tensor, sample: Sample) -> Measured:
    """Both pointwise forms and the null, from held-out posteriors.

    Args:
        log_ratio: [1 + P, n, C] log q(y | h) - log p(y).
        log_prior: [1 + P, n, C] log p(y), from the texts that q was fitted to.
        sample: with the realised outputs.
    """
    output = sample.output[sample.text].T
    pvi = log_ratio.gather(2, output[..., None]).squeeze(2).double()
    observed = log_ratio[0].double()
    gain = ((log_prior[0] + observed).exp() * observed).sum(1)
    return Measured(pvi=pvi[0], gain=gain.clamp(min=0), null=pvi[1:].mean(1))
