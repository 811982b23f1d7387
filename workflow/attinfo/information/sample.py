"""The argument and the result of every estimator, and how folds and permutations are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from attinfo.runtime.seeds import seed_of


@dataclass(frozen=True)
class Sample:
    """States and outputs of one unit.

    A state belongs to a text, and an output belongs to the text, so all states of a text share
    it. A unit of the index `position` or `rank` has one state a text, `instance` has all.

    Attributes:
        hidden: [n, d] float32 or float64, as they are given; estimators scale them.
        text: [n] int64, the row of `output` that each state belongs to.
        output: [texts, 1 + P] int64 classes 0..C-1, or [texts, 1 + P, c] float64 values. The
            first column is the model's output, the others are permutations of it among the
            texts, for the null.
        classes: C; 0 where the output is continuous.
        fold: [texts] int64, the fold of cross-fitting that each text is in.
        reference: [texts] int64 or None: for each text the row of `hidden` that stands for it
            where an estimator must have one state a text; None where `text` has no repeats.
        group: [texts] int64 or None: texts of one group depend on each other, and are in one fold.
        output_layer: the weights [C, d] and biases [C] with which the model reads its states, or
            None; for estimators that need them.
    """

    hidden: Tensor
    text: Tensor
    output: Tensor
    classes: int
    fold: Tensor
    reference: Tensor | None = None
    group: Tensor | None = None
    output_layer: tuple[Tensor, Tensor] | None = None

    @property
    def cluster(self) -> Tensor:
        """[n] int64 the group, or else the text, of each state: what is independent of others."""
        return self.text if self.group is None else self.group[self.text]

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
            group=None if self.group is None else self.group[kept],
            output_layer=self.output_layer,
        )

    def of_columns(self, columns: Sequence[int]) -> "Sample":
        """The same states with some columns of `output` alone."""
        return replace(self, output=self.output[:, list(columns)])


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


class HeldOut:
    """Both pointwise forms and the null, from held-out posteriors, a fold at a time.

    Args:
        output: [1 + P, n] int64 the realised outputs.
    """

    def __init__(self, output: Tensor) -> None:
        self._output = output
        self._pvi = torch.empty_like(output[0], dtype=torch.float64)
        self._gain = torch.empty_like(self._pvi)
        self._total = self._pvi.new_zeros(len(output))

    def add(self, rows: Tensor, log_posterior: Tensor, log_prior: Tensor) -> None:
        """Take the posteriors of the rows of one fold.

        Args:
            rows: [rows] of the sample.
            log_posterior: [1 + P, C, rows] log q(y | h).
            log_prior: [1 + P, C, 1] log p(y), from the texts that q was fitted to.
        """
        log_ratio = log_posterior - log_prior
        own = log_ratio.gather(1, self._output[:, None, rows])[:, 0]
        observed = log_ratio[0]
        self._pvi[rows] = own[0]
        self._gain[rows] = ((log_prior[0] + observed).exp() * observed).sum(0)
        self._total += own.sum(1)

    def measured(self) -> Measured:
        """What was found, once every row was added."""
        null = self._total[1:] / len(self._pvi)
        return Measured(pvi=self._pvi, gain=self._gain.clamp(min=0), null=null)


def folds(output: Tensor, count: int, seed: int, group: Tensor | None = None) -> Tensor:
    """[texts] a fold for each text: seeded, of nearly equal sizes, classes stratified.

    Args:
        output: [texts] int64 classes, or floats of any shape, which are not stratified.
        count: of folds.
        seed: of the draw.
        group: [texts] int64 numbers of groups, from 0, none of which is cut.
    """
    generator = torch.Generator().manual_seed(seed_of("folds", seed))
    order = torch.randperm(len(output), generator=generator, device="cpu")
    if not output.is_floating_point():
        order = order[output.cpu()[order].argsort(stable=True)]
    if group is not None:
        return _whole_groups(output, count, group.cpu(), order).to(output.device)
    fold = torch.empty_like(order)
    fold[order] = torch.arange(len(order), device="cpu") % count
    return fold.to(output.device)


def _whole_groups(output: Tensor, count: int, group: Tensor, order: Tensor) -> Tensor:
    """[texts] folds: each group, the largest first, goes where its class has the fewest texts.

    The class of a group is its most frequent one. Where folds have as many texts of the class, the
    group goes where there are the fewest texts of all, so that no fold stays empty.

    Args:
        order: [texts] in which groups of one size are taken.
    """
    codes = output.cpu() if not output.is_floating_point() else torch.zeros(len(group)).long()
    groups, classes = int(group.max()) + 1, int(codes.max()) + 1
    held = (group * classes + codes).bincount(minlength=groups * classes).view(groups, classes)
    size, label = held.sum(1), held.argmax(1).tolist()
    # [groups] the place of the first text of each group.
    first = torch.full((groups,), len(order)).scatter_reduce_(
        0, group[order], torch.arange(len(order)), "amin"
    )
    turn = first.argsort()[size[first.argsort()].argsort(descending=True, stable=True)].tolist()
    in_class, in_all = [[0] * count for _ in range(classes)], [0] * count
    fold = torch.zeros(groups, dtype=torch.int64)
    sizes = size.tolist()
    for number in turn:
        own = in_class[label[number]]
        place = min(range(count), key=lambda k: (own[k], in_all[k], k))
        fold[number] = place
        own[place] += sizes[number]
        in_all[place] += sizes[number]
    return fold[group]


def with_permutations(output: Tensor, count: int, seed: int, group: Tensor | None = None) -> Tensor:
    """[texts, 1 + count, ...]: the output, and seeded permutations of it among the texts.

    With groups, whole groups are permuted: the outputs, group after group in random order, are
    dealt to the texts, group after group. Groups of one size swap their outputs; of other sizes
    most of the outputs of a group stay together, and each output is still dealt once.

    Args:
        output: [texts, ...].
        count: of permutations.
        seed: of the draws.
        group: [texts] int64 numbers of groups, from 0, or None.
    """
    generator = torch.Generator().manual_seed(seed_of("permutations", seed))
    columns, members = [output], None if group is None else group.cpu().argsort(stable=True)
    for _ in range(count):
        if members is None or group is None:
            order = torch.randperm(len(output), generator=generator, device="cpu")
        else:
            turn = torch.randperm(int(group.max()) + 1, generator=generator, device="cpu")
            dealt = turn[group.cpu()].argsort(stable=True)
            order = torch.empty_like(dealt)
            order[members] = dealt
        columns.append(output[order.to(output.device)])
    return torch.stack(columns, 1)


def normal_scores(values: Tensor, seed: int) -> Tensor:
    """[n, c] standard normal quantiles of the ranks of values [n, c], one column at a time.

    Equal values are ranked in random order: as the order is independent of the states, they know
    as much about the ranks as about the values. A column that does not vary is 0.
    """
    n = len(values)
    columns = []
    for number, column in enumerate(values.T.cpu()):
        draw = torch.Generator().manual_seed(seed_of("ties", seed, number))
        order = torch.randperm(n, generator=draw, device="cpu")
        order = order[column[order].argsort(stable=True)]
        rank = torch.empty(n, dtype=torch.float64)
        rank[order] = torch.arange(n, dtype=torch.float64) + 0.5
        varies = bool((column != column[0]).any())
        columns.append(torch.special.ndtri(rank / n) if varies else torch.zeros_like(rank))
    return torch.stack(columns, 1).to(values.device)


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
