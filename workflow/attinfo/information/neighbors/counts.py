"""Counts of references, of one class and of all, within the distance of the k-th of the class."""

import torch
from torch import Tensor

from attinfo.information.neighbors.compiled import compiles
from attinfo.information.neighbors.distances import Metric
from attinfo.information.neighbors.search import Search, distinct

WALKING = 2**15  # counts of queries that walk along their lists together
LISTED = 2**20  # neighbours in the lists of queries that are found together
LONGEST_LIST = 128  # neighbours first kept for a query; where a rare class needs more, it gets more
COMPILED = 2**27  # neighbours times outputs from which compiling a loop pays


class Neighbours:
    """The reference states near each query, counted.

    References that are the same state are merged into one atom with a multiplicity, so that the
    lists of states that repeat often stay short.

    Args:
        query: [Q, d] float64, `reference`: [R, d], one scale for both (`distances.of_unit_size`).
        own: [Q] the reference of the query's own text, which is not counted.
        length: of the lists at first.
        metric: of the distances.
        groups: None, or the group [Q] of each query and [R] of each reference: no reference of
            the query's group is counted.
    """

    def __init__(
        self,
        query: Tensor,
        reference: Tensor,
        own: Tensor,
        length: int,
        metric: Metric = "euclidean",
        groups: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        self._query, self._groups = query, groups
        alone = torch.arange(len(reference), device=query.device)
        # With groups each reference is an atom, as those of one state may be of several groups.
        self._atoms, self._atom_of = (reference, alone) if groups else distinct(reference)
        self._size = self._atom_of.bincount().to(torch.int32)
        self._own = self._atom_of[own]
        self._length = min(length, LONGEST_LIST)
        self._search = Search(self._atoms, metric)

    def counts(self, output: Tensor, asked: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """k_i and m_i of each query under each column of outputs, [Q, P] each.

        Args:
            output: [R, P] class of each reference state.
            asked: [Q, P] class of each query.
            k: [Q, P] how many neighbours of its class the radius must hold, >= 1. A query whose
                class has fewer gets the counts of all references.
        """
        asked, k = asked.to(torch.int32), k.to(torch.int32)
        same, everyone = torch.zeros_like(asked), torch.zeros_like(asked)
        members = self._members(output)
        rows, length = torch.arange(len(asked), device=asked.device), self._length
        while len(rows):
            length = min(length, len(self._atoms))
            late = []
            for some in rows.split(max(256, LISTED // length)):
                # The search knows queries and references to be the same by their identity.
                every = len(some) == len(self._query)
                lists = self._search.nearest(self._query if every else self._query[some], length)
                step = max(256, WALKING // asked.shape[1])
                for place in torch.arange(len(some), device=some.device).split(step):
                    block = some[place]
                    near, ends = (part[place] for part in lists)
                    found = self._walk(block, near, ends, members, asked[block], k[block])
                    same[block], everyone[block], done = found
                    late.append(block[~done.all(1)])
            if length == len(self._atoms):
                break
            rows, length = torch.cat(late), 4 * length
        return same.long(), everyone.long()

    def _members(self, output: Tensor) -> Tensor:
        """How many states of each class an atom has, [C, A, P]; its class, [A, P], if but one."""
        if len(self._atoms) == len(output):
            labels = torch.empty_like(output, dtype=torch.int32)
            labels[self._atom_of] = output.to(torch.int32)
            return labels
        classes = int(output.max()) + 1
        shape = (classes, len(self._atoms), output.shape[1])
        members = torch.zeros(shape, dtype=torch.int32, device=output.device)
        for c in range(classes):
            members[c].index_add_(0, self._atom_of, (output == c).to(torch.int32))
        return members

    def _walk(
        self, rows: Tensor, near: Tensor, ends: Tensor, members: Tensor, asked: Tensor, k: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Along the lists of these rows: k_i, m_i and whether they are sure, [rows, P] each.

        Args:
            rows: of the queries.
            near, ends: [rows, L], see `search.Lists`.
            members: see `_members`.
            asked, k: [rows, P].
        """
        same, everyone = torch.zeros_like(asked), torch.zeros_like(asked)
        own, work = self._own[rows], len(self._query) * near.shape[1] * asked.shape[1]
        if not self._groups and near.device.type == "cpu" and work >= COMPILED and compiles():
            from attinfo.information.neighbors.walk import walk  # compiles

            done = torch.zeros_like(asked, dtype=torch.bool)
            walk(near, ends, own, self._size, members, asked, k, (same, everyone, done))
            return same, everyone, done
        # [rows, L] how many states of each atom are not the query's own, and how many are.
        if self._groups:
            asking, there = self._groups
            mine = (there[near] == asking[rows, None]).to(torch.int32)
        else:
            mine = (near == own[:, None]).to(torch.int32)
        others = self._size[near] - mine
        if asked.shape[1] == 1:
            return self._at_once(near, ends, mine, others, members, asked, k)
        going = torch.ones_like(asked, dtype=torch.bool)
        if members.dim() == 3:
            column = torch.arange(asked.shape[1], device=asked.device)
            start = asked.long() * members[0].numel() + column
        for place in range(near.shape[1]):
            atom, own_here = near[:, place], mine[:, place, None]
            if members.dim() == 3:
                # The own state is of the class asked for, so one peer fewer is left.
                peers = members.take(start + atom[:, None] * asked.shape[1]) - own_here
            else:
                peers = (members[atom] == asked).to(torch.int32) * (1 - own_here)
            same += peers * going
            everyone += others[:, place, None] * going
            going &= ~(ends[:, place, None] & (same >= k))
            if place % 8 == 7 and not going.any():
                break
        return same, everyone, ~going

    def _at_once(
        self,
        near: Tensor,
        ends: Tensor,
        mine: Tensor,
        others: Tensor,
        members: Tensor,
        asked: Tensor,
        k: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As `_walk`, of one column, without a loop along the lists."""
        if members.dim() == 3:
            atoms = members.shape[1]
            peers = members[..., 0].take(asked.long() * atoms + near) - mine
        else:
            peers = (members[:, 0][near] == asked).to(torch.int32) * (1 - mine)
        same, everyone = (part.cumsum(1, dtype=torch.int32) for part in (peers, others))
        enough = ends & (same >= k)
        done = enough.any(1, keepdim=True)
        last = enough.to(torch.uint8).argmax(1, keepdim=True)
        last = torch.where(done, last, near.shape[1] - 1)
        return same.gather(1, last), everyone.gather(1, last), done
