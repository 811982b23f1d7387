"""Nearest-neighbour information between states and a discrete output (Ross 2014), in rank form.

I = psi(N) + <psi(k_i)> - <psi(N_y)> - <psi(m_i)>, where for each state the radius is that of its
k-th neighbour of the same class, k_i counts the states of the class and m_i all states within it.
The rank form reads both counts off one sorted list of neighbours, so that the radius and the
counts cannot come from two floating-point routes. States that repeat exactly are merged into
atoms with a multiplicity, so that their ties are exact: without a tie k_i = k, as in Ross.
"""

import torch
from torch import Tensor

from attinfo.information.sample import Estimate, Sample

BLOCK = 1024  # queries at a time: bounds the memory to BLOCK x references
LONGEST_LIST = 128  # neighbours kept for a query; where a rare class needs more, it gets all


def _nearest(query: Tensor, atoms: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """The `length` nearest atoms of each query: [Q, length] indices and squared distances."""
    norms = (atoms**2).sum(1)
    found = []
    for block in query.split(BLOCK):
        own_norms = (block**2).sum(1, keepdim=True)
        squared = torch.addmm(norms + own_norms, block, atoms.T, alpha=-2)
        found.append(squared.topk(length, largest=False, sorted=True))
    return torch.cat([f.indices for f in found]), torch.cat([f.values for f in found])


class _Neighbours:
    """Sorted lists of the reference states nearest to each query, from which counts are read.

    Args:
        query: [Q, d] states.
        reference: [R, d] states that are counted, one a text.
        own: [Q] the reference state of the query's own text, which is not counted.
        length: of the lists; a list that turns out too short is replaced by the full one.
    """

    def __init__(self, query: Tensor, reference: Tensor, own: Tensor, length: int):
        self.query = query
        self.atoms, self.atom_of = torch.unique(reference, dim=0, return_inverse=True)
        self.own_atom = self.atom_of[own]
        self.lists = self._build(torch.arange(len(query)), min(length, len(self.atoms)))

    def _build(self, rows: Tensor, length: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """[rows, length] each: nearest atoms, last place at that distance, and the states up to
        this place: all of them, and the query's own."""
        near, distance = _nearest(self.query[rows], self.atoms, length)
        next_differs = torch.ones_like(near, dtype=torch.bool)
        next_differs[:, :-1] = distance[:, 1:] > distance[:, :-1]
        place = torch.where(next_differs, torch.arange(length), length)
        last = place.flip(1).cummin(1).values.flip(1)
        own = (near == self.own_atom[rows, None]).cumsum(1, dtype=torch.int32)
        size = self.atom_of.bincount().to(torch.int32)
        return near, last, size[near].cumsum(1, dtype=torch.int32) - own, own

    def counts(self, output: Tensor, asked: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """k_i and m_i of each query.

        Args:
            output: [R] class of each reference state.
            asked: [Q] class of each query.
            k: [Q] how many neighbours of its class the radius must hold, >= 1 and no more than
                there are.
        """
        members = torch.zeros(int(output.max()) + 1, len(self.atoms), dtype=torch.int32)
        one = torch.ones(len(output), dtype=torch.int32)
        members.index_put_((output, self.atom_of), one, accumulate=True)

        def read(lists: tuple[Tensor, ...], asked: Tensor, k: Tensor) -> list[Tensor]:
            near, last, everyone, own = lists
            same = members.take(near + asked[:, None] * len(self.atoms))
            same = same.cumsum(1, dtype=torch.int32) - own
            reached = same >= k[:, None]
            place = last.gather(1, reached.to(torch.uint8).argmax(1, keepdim=True))
            full = near.shape[1] == len(self.atoms)
            sure = reached[:, -1:] & ((place < near.shape[1] - 1) | full)
            return [t.squeeze(1) for t in (same.gather(1, place), everyone.gather(1, place), sure)]

        same, everyone, sure = read(self.lists, asked, k)
        short = torch.nonzero(~sure).squeeze(1)
        for rows in short.split(BLOCK) if len(short) else ():
            lists = self._build(rows, len(self.atoms))
            same[rows], everyone[rows], _ = read(lists, asked[rows], k[rows])
        return same.long(), everyone.long()


def _pointwise(near: _Neighbours, output: Tensor, asked: Tensor, neighbours: int) -> Tensor:
    """[Q] psi(N) + psi(k_i) - psi(N_y) - psi(m_i); 0 for a query alone in its class."""
    psi = torch.digamma(torch.arange(len(output) + 1, dtype=torch.float64))
    peers = output.bincount()[asked] - 1  # without the query's own text
    k = peers.clamp(1, neighbours)
    same, everyone = near.counts(output, asked, k)
    value = psi[len(output)] + psi[same] - psi[peers + 1] - psi[everyone]
    return torch.where(peers > 0, value, 0.0)


def nearest_neighbours(sample: Sample, *, neighbours: int = 3) -> Estimate:
    """Nearest neighbours (Ross 2014), Euclidean, rank form, exact repeats counted as ties.

    Where a text has several states (index `instance`), each is compared with one reference state
    of every other text: states of one text are no independent sample. The null is then taken
    over the reference states alone, so it is a little wider than the estimate's own.
    """
    hidden = sample.hidden - sample.hidden.mean(0)
    output, classes = sample.output, sample.classes
    share = output[:, 0].bincount(minlength=classes).clamp(min=1).min() / len(output)
    length = min(int(3 * neighbours / share) + 6, LONGEST_LIST)
    if sample.reference is None:
        # One state a text: the rows of `hidden` are the reference states.
        near = _Neighbours(hidden, hidden, torch.arange(len(hidden)), length)
        columns = output[sample.text]
        null_near, asked = near, columns[:, 0]
    else:
        chosen = hidden[sample.reference]
        near = _Neighbours(hidden, chosen, sample.text, length)
        null_near = _Neighbours(chosen, chosen, torch.arange(len(chosen)), length)
        columns, asked = output, output[sample.text, 0]
    pvi = _pointwise(near, columns[:, 0], asked, neighbours)
    null = [_pointwise(null_near, c, c, neighbours).mean() for c in columns.T[1:]]
    return Estimate(pvi=pvi, gain=None, null=torch.tensor(null, dtype=torch.float64))
