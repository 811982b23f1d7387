"""Nearest-neighbour information between states and a discrete output (Ross 2014), in rank form.

I = psi(N) + <psi(k_i)> - <psi(N_y)> - <psi(m_i)>, where for each state the radius is that of its
k-th neighbour of the same class, k_i counts the states of the class and m_i all states within it.
Radius and counts are read off one row of distances, so that they cannot come from two
floating-point routes. States that repeat exactly are merged into atoms with a multiplicity, so
that their ties are exact: without a tie k_i = k, as in Ross.

For one output the row is compared with the radius. For permutations of it the neighbours are
sorted into a list once, and all counts are read off that.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from attinfo.information.estimators.features import soft_whitened
from attinfo.information.neighbors.threads import by_rows, one_thread
from attinfo.information.sample import Measured, Sample
from attinfo.option_types import Count

Metric = Literal["euclidean", "chebyshev"]
BLOCK = 256  # queries at a time: bounds the memory to BLOCK x references
LISTED = 2**20  # neighbours in the lists of queries that are found together
SHARE = 40  # lists of one in SHARE references or fewer are found faster by a screen
LONGEST_LIST = 128  # neighbours first kept for a query; where a rare class needs more, it gets more


def screen_pays(query: Tensor, reference: Tensor) -> bool:
    """Whether this processor has bfloat16, and there are states enough for a screen to pay."""
    return (
        min(len(query), len(reference)) >= 3000
        and reference.shape[1] >= 64
        and reference.device.type == "cpu"
        and torch.cpu.get_capabilities().get("avx512_bf16", False)
    )


def distances_to(
    reference: Tensor, metric: Metric = "euclidean"
) -> Callable[[Tensor, Tensor], Tensor]:
    """From queries [Q, d], and where to put them [>= Q, R], to distances [Q, R] to references.

    They are put in the same place every time: fresh memory would cost as much as the product.
    Euclidean ones are squared and less the query's norm, which leaves their order as it is.
    """
    if metric == "euclidean":
        norms = (reference**2).sum(1)
        return lambda query, held: torch.addmm(
            norms, query, reference.T, alpha=-2, out=held[: len(query)]
        )
    if reference.device.type == "cpu":
        from attinfo.information.neighbors import chebyshev  # compiles

        return chebyshev.distances_to(reference)
    return lambda query, held: torch.cdist(query, reference, p=torch.inf)


def nearest(
    query: Tensor, reference: Tensor, length: int, metric: Metric = "euclidean", threads: int = 1
) -> tuple[Tensor, Tensor]:
    """The `length` references nearest to each query, nearest first.

    Args:
        query: [Q, d], `reference`: [R, d].
        length: of the lists.
        metric: of the distances.
        threads: that share the queries; more than one inside of `one_thread` only.

    Returns:
        [Q, length] indices, and distances as of `distances_to`.
    """
    near = torch.empty((len(query), length), dtype=torch.int64, device=query.device)
    distance = query.new_empty(near.shape)
    rows = torch.arange(len(query), device=query.device)
    if metric == "euclidean" and length * SHARE <= len(reference) and screen_pays(query, reference):
        from attinfo.information.neighbors.screen.screened import Screen  # compiles

        near, distance = Screen(query, reference, threads).nearest(length)
        rows = torch.nonzero(distance[:, -1].isinf())[:, 0]
    if len(rows):
        distances = distances_to(reference, metric)

        def find(some: Tensor) -> None:
            held = query.new_empty(min(BLOCK, len(some)), len(reference))
            for block in some.split(BLOCK):
                found = distances(query[block], held).topk(length, largest=False, sorted=True)
                distance[block], near[block] = found

        by_rows(find, rows, threads)
    return near, distance


def distinct(states: Tensor) -> tuple[Tensor, Tensor]:
    """The states [n, d] of which no two are the same, and for each the row of its own."""
    # Where no two have the same sum of bits none are the same, and sorting them is saved. Signs
    # are left out, as -0 is 0.
    bits = 2 * states.view(torch.int32).sum(1, dtype=torch.int32)
    if len(bits.unique()) == len(bits):
        return states, torch.arange(len(states), device=states.device)
    return torch.unique(states, dim=0, return_inverse=True)


class _Neighbours:
    """The reference states near each query, counted.

    Args:
        query: [Q, d] states.
        reference: [R, d] states that are counted, one a text.
        own: [Q] the reference state of the query's own text, which is not counted.
        length: of the lists; where one turns out too short it is replaced by a longer one.
        threads: that share the queries.
    """

    def __init__(
        self,
        query: Tensor,
        reference: Tensor,
        own: Tensor,
        length: int,
        metric: Metric,
        threads: int,
    ) -> None:
        self._query, self._metric, self._threads = query, metric, threads
        self._atoms, self._atom_of = distinct(reference)
        self._size = self._atom_of.bincount().to(torch.int32)
        self._own = self._atom_of[own]
        self._length = length
        self._screened = metric == "euclidean" and screen_pays(query, self._atoms)

    def counts(self, output: Tensor, asked: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """k_i and m_i of each query under each column of outputs, [Q, P] each.

        Args:
            output: [R, P] class of each reference state.
            asked: [Q, P] class of each query.
            k: [Q, P] how many neighbours of its class the radius must hold, >= 1 and no more
                than there are.
        """
        if asked.shape[1] == 1:
            one = self._within_radius(output[:, 0], asked[:, 0], k[:, 0])
            return one[0][:, None], one[1][:, None]
        asked, k = asked.to(torch.int32), k.to(torch.int32)
        same, everyone = torch.empty_like(asked), torch.empty_like(asked)
        members = self._members(output)
        rows, length = torch.arange(len(asked), device=asked.device), self._length
        while len(rows):
            length = min(length, len(self._atoms))
            about = members, asked, k, same, everyone
            groups = rows.split(max(BLOCK, LISTED // length))
            rows = torch.cat([self._by_lists(some, length, *about) for some in groups])
            if length == len(self._atoms):
                break  # nobody is left; a query alone in its class has no radius
            length *= 4
        return same.long(), everyone.long()

    def _by_lists(
        self,
        rows: Tensor,
        length: int,
        members: Tensor,
        asked: Tensor,
        k: Tensor,
        same: Tensor,
        everyone: Tensor,
    ) -> Tensor:
        """Puts the counts of these rows in their places; gives those whose lists are too short."""
        # The same states are known to be the same.
        query = self._query if len(rows) == len(self._query) else self._query[rows]
        near, distance = nearest(query, self._atoms, length, self._metric, self._threads)
        sure = torch.empty_like(rows, dtype=torch.bool)

        def work(some: Tensor) -> None:
            for place in some.split(BLOCK):
                block = rows[place]
                about = near[place], distance[place], members, asked[block], k[block]
                same[block], everyone[block], done = self._walk(block, *about)
                sure[place] = done.all(1)

        by_rows(work, torch.arange(len(rows), device=rows.device), self._threads)
        return rows[~sure]

    def _within_radius(self, output: Tensor, asked: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """k_i and m_i of each query [Q] for one column of outputs [R], without lists."""
        same, everyone = torch.zeros_like(asked), torch.zeros_like(asked)
        if self._screened:
            from attinfo.information.neighbors.screen.screened import Screen  # compiles

            atoms, classes = len(self._atoms), int(output.max()) + 1
            members = (output * atoms + self._atom_of).bincount(minlength=classes * atoms)
            belongs = output.new_empty(atoms).index_copy_(0, self._atom_of, output)
            about = belongs, members.view(classes, atoms), self._size
            screen = Screen(self._query, self._atoms, self._threads)
            same, everyone = screen.counts(asked, k, self._own, *about)
        for c in asked[everyone == 0].unique():
            rows = torch.nonzero((asked == c) & (everyone == 0))[:, 0]
            same[rows], everyone[rows] = self._of_class(output == c, rows, k)
        return same, everyone

    def _of_class(self, member: Tensor, rows: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """k_i and m_i of some queries of a class, from their distances to all atoms.

        Args:
            member: [R] which states are of the class.
            rows: the queries.
            k: [Q].
        """
        members = self._atom_of[member].bincount(minlength=len(self._atoms))
        peers = int((members > 0).sum())
        order = torch.cat([torch.nonzero(members)[:, 0], torch.nonzero(members == 0)[:, 0]])
        # Each atom of the class but the own one has a peer.
        count = min(int(k.max()) + 1, peers)
        place = order.argsort()[self._own[rows]]
        k, query = k[rows, None], self._query[rows]
        members, size = members[order][:peers].float(), self._size[order].float()
        distances = distances_to(self._atoms[order], self._metric)
        same, everyone = torch.empty_like(place), torch.empty_like(place)

        def work(some: Tensor) -> None:
            memory = query.new_empty(min(BLOCK, len(some)), len(order))
            for block in some.split(BLOCK):
                distance, own = distances(query[block], memory), place[block, None]
                near = distance[:, :peers].topk(count, largest=False)
                held = (members[near.indices] - (near.indices == own).float()).cumsum(1)
                last = (held >= k[block]).to(torch.uint8).argmax(1, keepdim=True)
                radius = near.values.gather(1, last)
                itself = (distance.gather(1, own) <= radius)[:, 0].long()
                within = distance.le_(radius)
                same[block] = (within[:, :peers] @ members).long() - itself
                everyone[block] = (within @ size).long() - itself

        by_rows(work, torch.arange(len(rows), device=rows.device), self._threads)
        return same, everyone

    def _members(self, output: Tensor) -> Tensor:
        """How many states of each class an atom has, [C, A, P]; its class, [A, P], if but one."""
        if len(self._atoms) == len(output):
            labels = torch.empty_like(output, dtype=torch.int32)
            labels[self._atom_of] = output.to(torch.int32)
            return labels
        classes = range(int(output.max()) + 1)
        members = torch.zeros(
            (len(classes), len(self._atoms), output.shape[1]),
            dtype=torch.int32,
            device=output.device,
        )
        for c in classes:
            members[c].index_add_(0, self._atom_of, (output == c).to(torch.int32))
        return members

    def _walk(
        self,
        rows: Tensor,
        near: Tensor,
        distance: Tensor,
        members: Tensor,
        asked: Tensor,
        k: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Along the lists of these rows: k_i, m_i and whether they are sure, [rows, P] each."""
        length = near.shape[1]
        if self._screened:
            from attinfo.information.neighbors.counts import walk  # compiles

            whole = length == len(self._atoms)
            own = self._own[rows]
            return walk(near, distance, own, self._size, members, asked, k, whole)
        # Counts are complete only where the next atom is farther.
        ends = torch.empty_like(near, dtype=torch.bool)
        ends[:, :-1] = distance[:, 1:] > distance[:, :-1]
        ends[:, -1] = length == len(self._atoms)
        own = (near == self._own[rows, None]).to(torch.int32)
        others = self._size[near] - own
        same, everyone = torch.zeros_like(asked), torch.zeros_like(asked)
        going = torch.ones_like(asked, dtype=torch.bool)
        if members.dim() == 3:
            column = torch.arange(asked.shape[1], device=asked.device)
            start = asked.long() * members[0].numel() + column
        for place in range(length):
            atom = near[:, place]
            if members.dim() == 3:
                peers = members.take(start + atom[:, None] * asked.shape[1])
            else:
                peers = (members[atom] == asked).to(torch.int32)
            same += (peers - own[:, place, None]) * going
            everyone += others[:, place, None] * going
            going &= ~(ends[:, place, None] & (same >= k))
            if place % 8 == 7 and not going.any():
                break
        return same, everyone, ~going


def _pointwise(near: _Neighbours, output: Tensor, asked: Tensor, neighbours: int) -> Tensor:
    """[Q, P] psi(N) + psi(k_i) - psi(N_y) - psi(m_i); 0 for a query alone in its class."""
    n = len(output)
    psi = torch.digamma(torch.arange(n + 1, dtype=torch.float64, device=output.device))
    peers = output[:, 0].bincount()[asked] - 1  # without the query's own text
    same, everyone = near.counts(output, asked, peers.clamp(1, neighbours))
    value = psi[n] + psi[same] - psi[peers + 1] - psi[everyone]
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
    with one_thread() as threads:
        hidden = sample.hidden - sample.hidden.mean(0)
        if scaling == "soft_whitened":
            hidden = soft_whitened(hidden).float()
        output = sample.output
        share = output[:, 0].bincount(minlength=sample.classes).clamp(min=1).min() / len(output)

        def near(query: Tensor, reference: Tensor, own: Tensor) -> _Neighbours:
            # Three times as many as are needed on average.
            length = int(3 * neighbours / share) + 4
            return _Neighbours(query, reference, own, min(length, LONGEST_LIST), metric, threads)

        if sample.reference is None:
            # One state a text: the rows of `hidden` are the reference states.
            columns = output[sample.text]
            own = torch.arange(len(hidden), device=hidden.device)
            every = near(hidden, hidden, own)
            value = _pointwise(every, columns, columns, neighbours)
            return Measured(pvi=value[:, 0], gain=None, null=value[:, 1:].mean(0))
        chosen = hidden[sample.reference]
        every = near(hidden, chosen, sample.text)
        observed = _pointwise(every, output[:, :1], output[sample.text, :1], neighbours)
        own = torch.arange(len(chosen), device=hidden.device)
        among = near(chosen, chosen, own)
        null = _pointwise(among, output, output, neighbours)[:, 1:]
        return Measured(pvi=observed[:, 0], gain=None, null=null.mean(0))
