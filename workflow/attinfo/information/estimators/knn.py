"""Nearest-neighbour information between states and a discrete output (Ross 2014), in rank form.

I = psi(N) + <psi(k_i)> - <psi(N_y)> - <psi(m_i)>, where for each state the radius is that of its
k-th neighbour of the same class, k_i counts the states of the class and m_i all states within it.
Without ties k_i = k, as in Ross. Distances are between the states as they are given, so the value
depends on the scale of their columns, by definition. It is that of a brute force in float64:
two distances that are too close to be distinguished are computed again from differences.

Where rows belong together in groups, other states of the same group are not counted. N and N_y then
count the states of the other groups, and the state itself.
"""

from typing import Literal

import torch
from torch import Tensor

from attinfo.information.estimators.features import soft_whitened
from attinfo.information.neighbors.counts import Neighbours
from attinfo.information.neighbors.distances import of_unit_size
from attinfo.information.sample import Measured, Sample
from attinfo.option_types import Count


def _others(group: Tensor, group_of: Tensor, output: Tensor, asked: Tensor) -> tuple[Tensor, ...]:
    """References of other groups: [Q, 1] how many, and [Q, P] how many of the class asked for.

    Args:
        group: [R] of each reference, `group_of`: [Q] of each query.
        output: [R, P], `asked`: [Q, P].
    """
    classes = int(output.max()) + 1
    within = group.bincount(minlength=int(group_of.max()) + 1)
    peers = torch.empty_like(asked)
    for column, (own, wanted) in enumerate(zip(output.T, asked.T, strict=True)):
        of_class = own.bincount(minlength=classes)
        both = (group * classes + own).bincount(minlength=len(within) * classes)
        peers[:, column] = of_class[wanted] - both[group_of * classes + wanted]
    return (len(group) - within[group_of])[:, None], peers


def _pointwise(
    near: Neighbours,
    output: Tensor,
    asked: Tensor,
    neighbours: int,
    group: tuple[Tensor, Tensor],
) -> Tensor:
    """[Q, P] psi(N) + psi(k_i) - psi(N_y) - psi(m_i); 0 for a query alone in its class.

    Args:
        near: the neighbours of the queries.
        output: [R, P] of the references, `asked`: [Q, P] of the queries.
        neighbours: k.
        group: [R] of the references and [Q] of the queries.
    """
    psi = torch.digamma(torch.arange(len(output) + 1, dtype=torch.float64, device=output.device))
    others, peers = _others(*group, output, asked)
    same, everyone = near.counts(output, asked, peers.clamp(1, neighbours))
    value = psi[others + 1] + psi[same] - psi[peers + 1] - psi[everyone]
    return torch.where(peers > 0, value, 0.0)


def nearest_neighbours(
    sample: Sample,
    *,
    neighbours: Count = 3,
    metric: Literal["euclidean", "chebyshev"] = "euclidean",
    scaling: Literal["raw", "soft_whitened"] = "raw",
) -> Measured:
    """Nearest neighbours (Ross 2014), rank form, exact repeats counted as ties.

    Where a text has several states (index `instance`), each is compared with one reference state
    of every other text: states of one text are no independent sample. The null is then taken
    over the reference states alone, so it is a little wider than the estimate's own.
    """
    hidden = of_unit_size(sample.hidden)
    if scaling == "soft_whitened":
        hidden = soft_whitened(hidden)
    output, text = sample.output, sample.text
    texts = torch.arange(len(output), device=hidden.device)
    group = texts if sample.group is None else sample.group
    rarest = int(output[:, 0].bincount(minlength=sample.classes).clamp(min=1).min())
    # Three times as many as are needed on average.
    length = 3 * neighbours * len(output) // rarest + 4

    def pointwise(
        query: Tensor, reference: Tensor, of: tuple[Tensor, Tensor], own: Tensor, columns: Tensor
    ) -> Tensor:
        """[Q, P] of queries among references, whose texts are `of`: [Q] and [R].

        Args:
            query, reference: [Q, d], [R, d].
            of: their texts.
            own: [Q] the reference of the query's own text.
            columns: [texts, P] outputs.
        """
        if not columns.shape[1]:  # no permutations
            return query.new_zeros(len(query), 0)
        asking, there = (group[place] for place in of)
        groups = None if sample.group is None else (asking, there)
        near = Neighbours(query, reference, own, length, metric, groups)
        return _pointwise(near, columns[of[1]], columns[of[0]], neighbours, (there, asking))

    if sample.reference is None:
        # One state a text: the rows of `hidden` are the reference states.
        rows = torch.arange(len(hidden), device=hidden.device)
        value = pointwise(hidden, hidden, (text, text), rows, output)
        return Measured(pvi=value[:, 0], gain=None, null=value[:, 1:].mean(0))
    chosen = hidden[sample.reference]
    observed = pointwise(hidden, chosen, (text, texts), text, output[:, :1])
    null = pointwise(chosen, chosen, (texts, texts), texts, output[:, 1:])
    return Measured(pvi=observed[:, 0], gain=None, null=null.mean(0))
