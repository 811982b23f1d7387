"""Neighbours by products in bfloat16; float32 decides among the few references that can be near.

A processor that has bfloat16 multiplies two to four times as fast in it. What it leaves out is
bounded: with x = h + e, h in bfloat16, x.y - h_x.h_y = h_x.e_y + e_x.y, no more than
|h_x| |e_y| + |e_x| |y| (Cauchy-Schwarz). So a distance is known from both sides, and nothing
within a radius is missed. The few references that are left are compared once more, in float32:
no answer hangs on bfloat16.

Compiled loops read the products. To import numba and to compile takes almost two seconds, so this
is imported where it saves more.
"""

from collections.abc import Callable
import math

import numba
import numpy as np
import torch
from torch import Tensor

from attinfo.information.threads import by_rows

BLOCK = 256  # queries at a time: their products stay in the cache
DEPTH = 32  # references a group: where one can be near, the others are looked at
LANES = 32  # the number of groups is a multiple of it: least products are found side by side
MOST = 256  # references that can be near a query; one with more is not told
ROUNDED = 1 + 2**-8  # times a number of bfloat16 is more than anything that was rounded to it
SINGLE = 1 + 2**-9  # is for what float32 loses where these bounds are computed, and more
FAR = 2.0**100
LARGE = 2**21  # elements of two bytes: of so many on NumPy asks for large pages
LOWEST, HIGHEST = np.int16(-(2**15)), np.int16(2**15 - 1)

# A sum may be taken in any order: otherwise it is not vectorised.
_compiled = numba.njit(nogil=True, fastmath={"reassoc", "nsz", "contract"})


@_compiled
def _lower(least: np.ndarray, products: np.ndarray, row: int, first: int, last: int) -> None:
    """The least of each group [G], of what is there and of rows of the products [B, D, G]."""
    for i in range(first, last):
        for j in range(len(least)):
            least[j] = min(least[j], products[row, i, j])


@_compiled
def _insert(
    values: np.ndarray, length: int, value: float, numbers: np.ndarray, number: int
) -> None:
    """Puts a value among `length` ascending ones, the last of which it takes the place of."""
    j = length - 1
    while j > 0 and values[j - 1] > value:
        values[j], numbers[j] = values[j - 1], numbers[j - 1]
        j -= 1
    values[j], numbers[j] = value, number


@_compiled
def _search(
    products: np.ndarray,
    peers: np.ndarray,
    count: np.ndarray,
    bounds: np.ndarray,
    query: np.ndarray,
    reference: np.ndarray,
    squared: np.ndarray,
    order: np.ndarray,
    often: np.ndarray,
    near: np.ndarray,
    distance: np.ndarray,
) -> None:
    """The references that can be as near to a query as the nearest of its peers.

    Args:
        products: [B, D, G] of queries and references, as whole numbers: from zero on they have
            the order of bfloat16, and what is below zero is less.
        peers: [B, 2] the first row of the D, and that after the last, in which all are peers.
        count: [B] how many of the peers.
        bounds: [B, 2] `lost`, where `lost` (|x| + r) is the most that a product within r of x can
            lack, and lost^2 + 2 lost |x|.
        query: [B, d], `reference`: [R, d], `squared`: [R] norms.
        order: [D x G] the reference of each product; where these only fill up, any.
        often: [B] to be filled with how many there are; 0 where it is not told.
        near: [B, MOST + D] to be filled with these, and `distance` with their distances as of
            `knn.distances_to`.
    """
    _, depth, groups = products.shape
    most, bits = near.shape[1] - depth, np.empty(1, np.int32)
    least, number = np.empty(groups, np.int16), bits.view(np.float32)
    for row in range(len(products)):
        often[row] = 0
        first, last, some = peers[row, 0], peers[row, 1], count[row]
        if last <= first or some > min(groups, most):
            continue
        least[:] = HIGHEST
        _lower(least, products, row, first, last)
        # As many peers are no farther than the nearest of so many groups, or of more on ties.
        bound = LOWEST
        for _ in range(some):
            above = HIGHEST
            for j in range(groups):
                above = min(above, least[j] if least[j] > bound else HIGHEST)
            bound = above
        if bound == HIGHEST:  # so many groups are not told apart
            continue
        # Within a radius r of x is |y| <= |x| + r, so no more than lost (|x| + r) is lost, and
        # r^2 / 2 <= half + lost (|x| + r), which is solved for r. The product of what is within r
        # may be larger than r^2 / 2 by as much again, and is then rounded.
        bits[0] = np.int32(max(bound, 0)) << 16
        half = ROUNDED * number[0]
        radius = bounds[row, 0] + np.sqrt(bounds[row, 1] + 2 * half)
        number[0] = SINGLE * (radius**2 - half)
        limit = (bits[0] >> 16) + 1
        _lower(least, products, row, 0, first)
        _lower(least, products, row, last, depth)
        n = 0
        for j in range(groups):
            if least[j] <= limit and n <= most:
                for i in range(depth):
                    if products[row, i, j] <= limit:
                        near[row, n] = order[i * groups + j]
                        n += 1
        if n > most:
            continue
        often[row] = n
        for m in range(n):
            other, product = near[row, m], np.float32(0)
            for c in range(query.shape[1]):
                product += query[row, c] * reference[other, c]
            distance[row, m] = squared[other] - 2 * product


@_compiled
def _count(
    often: np.ndarray,
    near: np.ndarray,
    distance: np.ndarray,
    start: int,
    end: int,
    asked: np.ndarray,
    k: np.ndarray,
    own: np.ndarray,
    members: np.ndarray,
    size: np.ndarray,
    counts: np.ndarray,
) -> None:
    """See `Screen.counts`; the first three as of `_search`, of the queries from start to end."""
    nearest, which = np.empty(near.shape[1], np.float32), np.empty(near.shape[1], np.int64)
    for row in range(end - start):
        query = start + row
        c, itself, needed = asked[query], own[query], k[query]
        if often[row] == 0:
            continue
        # Each holds a state of the class or more, of which one may be the query's own.
        nearest[: needed + 1] = np.inf
        for m in range(often[row]):
            if distance[row, m] < nearest[needed] and members[c, near[row, m]] > 0:
                _insert(nearest, needed + 1, distance[row, m], which, near[row, m])
        held, last = 0, -1
        while held < needed:
            last += 1
            held += members[c, which[last]] - (which[last] == itself)
        same, everyone = 0, 0
        for m in range(often[row]):
            if distance[row, m] <= nearest[last]:
                other = near[row, m]
                same += members[c, other] - (other == itself)
                everyone += size[other] - (other == itself)
        counts[0, query], counts[1, query] = same, everyone


@_compiled
def _list(
    often: np.ndarray,
    near: np.ndarray,
    distance: np.ndarray,
    start: int,
    end: int,
    nearest: np.ndarray,
    which: np.ndarray,
) -> None:
    """See `Screen.nearest`; the first three as of `_search`, of the queries from start to end."""
    length = nearest.shape[1]
    for row in range(end - start):
        values, numbers = nearest[start + row], which[start + row]
        for m in range(often[row]):
            if distance[row, m] < values[length - 1]:
                _insert(values, length, distance[row, m], numbers, near[row, m])


class _Factors:
    """Factors in bfloat16 of a product that is half the squared distance of states [n, d].

    Half the squared norm, as two numbers of bfloat16 (2^-16 of it is lost), meets ones.

    Attributes:
        right: [n + 1, d + 4]: the last is far from all.
        squared: [n] norms of the states, `norm`: not squared, `left_out`: of what bfloat16 leaves
            out of them.
    """

    def __init__(self, states: Tensor) -> None:
        n, d = states.shape
        self.right = states.new_empty((n + 1, d + 4), dtype=torch.bfloat16)
        self.right[n] = 0
        self.right[n, -1] = FAR
        self.squared, self.left_out = states.new_empty(2, n)
        every = states, self.right[:n, :d], self.squared, self.left_out
        # Few at a time: memory that is used again costs less than what is fresh.
        for own, rounded, squared, left_out in zip(
            *(p.split(4 * BLOCK) for p in every), strict=True
        ):
            held = rounded.copy_(own).float().sub_(own)
            torch.linalg.vector_norm(held, dim=1, out=left_out)
            torch.sum(torch.mul(own, own, out=held), 1, out=squared)
        self.norm, more = self.squared.sqrt(), self.right[:n, d:]
        more[:, :2] = 1
        more[:, 2] = self.squared / 2
        more[:, 3] = self.squared / 2 - more[:, 2].float()

    def left(self, rows: slice, held: Tensor) -> Tensor:
        """[rows, d + 4] the other factor of some rows, where it is to be put."""
        right, d = self.right[rows], self.right.shape[1] - 4
        left = held[: len(right)]
        torch.neg(right[:, :d], out=left[:, :d])
        left[:, d : d + 2], left[:, d + 2 :] = right[:, d + 2 :], right[:, d : d + 2]
        return left


class Screen:
    """For queries [Q, d] the nearest of references [R, d], on so many threads."""

    def __init__(self, query: Tensor, reference: Tensor, threads: int) -> None:
        self._threads = threads
        there = _Factors(reference)
        asked = there if query is reference else _Factors(query)
        self._asked, self._right = asked, there.right
        largest = max(float(there.norm.max()), float(asked.norm.max()))
        width = reference.shape[1]
        # The bounds hold where no square comes near the limits of float32.
        self._usable = 2**-16 < largest < 2**40 and width <= 1024
        # No state is taken for shorter than this: of shorter ones products may vanish.
        shortest = 2**-30 * largest
        norm = asked.norm.clamp(min=shortest)
        share = (there.left_out / there.norm.clamp(min=shortest)).max()
        # Of |x| (|x| + r) are lost by halves of norms 2^-15, by four sums in float32 the rest.
        small = 2**-15 + (width + 4) * 2**-21
        lost = (norm + asked.left_out) * share + asked.left_out + small * norm
        self._bounds = torch.stack([lost, lost * (lost + 2 * norm)], 1)
        self._query, self._reference, self._squared = query, reference, there.squared
        least = LANES * -(-len(reference) // (LANES * DEPTH))
        groups = range(least, least + 4 * LANES, LANES)
        self._groups = min(groups, key=lambda some: -len(reference) % some)

    def counts(
        self,
        asked: Tensor,
        k: Tensor,
        own: Tensor,
        belongs: Tensor,
        members: Tensor,
        size: Tensor,
    ) -> Tensor:
        """[2, Q] states of the class and of all within the radius that holds k of the class.

        0 where it is not told: a query has too many references that can be near, or its class
        too few.

        Args:
            asked: [Q] the class, `k`: [Q].
            own: [Q] the reference in which one state is the query's own and is not counted.
            belongs: [R] a class of which a state is this reference.
            members: [C, R] states of each class that are, `size`: [R] of all.
        """
        # Those of a class stand together, each in one class.
        ends = belongs.bincount(minlength=len(members)).cumsum(0)
        begins = torch.cat([ends.new_zeros(1), ends[:-1]])
        peers = torch.stack([-(-begins // self._groups), ends // self._groups], 1)
        found = asked.new_zeros(2, len(asked))
        about = [part.numpy() for part in (asked, k, own, members, size, found)]
        self._run(belongs.argsort(stable=True), peers[asked], k + 1, _count, about)
        return found

    def nearest(self, length: int) -> tuple[Tensor, Tensor]:
        """[Q, length] references and distances, nearest first; infinite where it is not told."""
        queries, references = len(self._query), len(self._reference)
        near = torch.zeros((queries, length), dtype=torch.int64)
        distance = torch.full(near.shape, torch.inf)
        peers = torch.tensor([0, references // self._groups]).expand(queries, 2)
        count = torch.full((queries,), length)
        about = [distance.numpy(), near.numpy()]
        self._run(torch.arange(references), peers, count, _list, about)
        return near, distance

    def _run(
        self,
        order: Tensor,
        peers: Tensor,
        count: Tensor,
        kernel: Callable[..., None],
        about: list[np.ndarray],
    ) -> None:
        """A kernel on what is near each query, a block at a time.

        Args:
            order: [R] the references, `peers`: [Q, 2] and `count`: [Q] as of `_search`.
        """
        if not self._usable:
            return
        depth = -(-len(order) // self._groups)
        far = order.new_full((depth * self._groups - len(order),), len(order))
        order = torch.cat([order, far])
        queries = len(self._query)
        each = -(-queries // self._threads)
        right, products = _side_by_side(
            (len(order), self._right.shape[1]), (self._threads, min(BLOCK, each), len(order))
        )
        right = torch.index_select(self._right, 0, order, out=right).T
        references = [part.numpy() for part in (self._reference, self._squared, order)]
        asked = [part.numpy() for part in (peers, count, self._bounds, self._query)]

        def work(rows: Tensor) -> None:
            first, end = int(rows[0]), int(rows[-1]) + 1
            held = products[first // each]
            factor = right.new_empty(len(held), len(right))
            near = np.empty((len(held), MOST + depth), np.int32)
            found = np.empty(len(held), np.int64), near, np.empty(near.shape, np.float32)
            for start in range(first, end, BLOCK):
                block = slice(start, min(start + BLOCK, end))
                left = self._asked.left(block, factor)
                half = torch.mm(left, right, out=held[: len(left)])
                key = half.view(torch.int16).view(len(left), depth, -1).numpy()
                _search(key, *(part[block] for part in asked), *references, *found)
                kernel(*found, start, block.stop, *about)

        by_rows(work, torch.arange(queries), self._threads)


def _side_by_side(*shapes: tuple[int, ...]) -> list[Tensor]:
    """Fresh tensors in bfloat16, of one piece: large, so that NumPy asks for large pages.

    A page costs a microsecond when it is first written to, and there would be thousands.
    """
    sizes = [math.prod(shape) for shape in shapes]
    piece = torch.from_numpy(np.empty(max(sum(sizes), LARGE), np.int16)).view(torch.bfloat16)
    parts = piece[: sum(sizes)].split(sizes)
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
