"""Neighbours by products in bfloat16; float32 decides among the few references that can be near.

A processor that has bfloat16 multiplies two to four times as fast in it. What it leaves out is
bounded: with x = h + e, h in bfloat16, x.y - h_x.h_y = h_x.e_y + e_x.y, no more than
|h_x| |e_y| + |e_x| |y| (Cauchy-Schwarz). So a distance is known from both sides, and nothing
within a radius is missed. The few references that are left are compared once more, in float32:
no answer hangs on bfloat16.

Queries and references are cut into parts, each of one class. A part first meets references of its
own class: from these each query has a radius. Then it meets all others. Where the queries are the
references, each product serves both: a part meets every other once, and half the work is saved.

Compiled loops read the products. To import numba and to compile takes about four seconds, so this
is imported where it saves more.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
import math
from typing import NamedTuple

import numba
from numba.cpython.unsafe.numbers import trailing_zeros
import numpy as np
import torch
from torch import Tensor

from attinfo.information.threads import team

PART = 1200  # queries or references at most: their products stay in the cache
BLOCK = 512  # of these at a time meet another part
SMALL = 64  # parts that are smaller on average are not worth it
SPARE = 224  # references held for a query, and four for each that it asks for: no power of two
STEP = 256  # queries at a time are compared in float32
ROUNDED = 1 + 2**-8  # times a number of bfloat16 is more than anything that was rounded to it
SINGLE = 1 + 2**-9  # is for what float32 loses where these bounds are computed, and more
LARGE = 2**21  # elements of two bytes: of so many on NumPy asks for large pages
LOWEST, HIGHEST = np.int16(-(2**15)), np.int16(2**15 - 1)
BYTES = np.uint64(0x0102040810204080)  # times eight bytes of 0 or 1 has them as its highest bits

# A sum may be taken in any order: otherwise it is not vectorised.
_compiled = numba.njit(nogil=True, fastmath={"reassoc", "nsz", "contract"})


class _Queries(NamedTuple):
    """What is known of the queries, which stand in the order of their classes.

    Products are whole numbers here, the bits of bfloat16: from zero on these have its order, and
    what is below zero is less.

    Attributes:
        classes: [Q] of the queries, `others`: [R] of the references, in their order.
        needs: [Q] how many references of its class each asks for.
        bounds: [Q, 2] `lost`, where `lost` (|x| + r) is the most that a product within r of x can
            lack, and lost^2 + 2 lost |x|.
        limit: [Q] what is near has a product below it; the lowest where it is not told.
        often: [Q] references held so far, `near`: [Q, S] these, `product`: [Q, S] of them.
    """

    classes: np.ndarray
    others: np.ndarray
    needs: np.ndarray
    bounds: np.ndarray
    limit: np.ndarray
    often: np.ndarray
    near: np.ndarray
    product: np.ndarray


@_compiled
def _limit(bound: int, bounds: np.ndarray, bits: np.ndarray, number: np.ndarray) -> int:
    """The limit of a query of which as many references as it asks for have no larger product.

    Args:
        bound: that product, `bounds`: of the query.
        bits, number: [1] the same memory.
    """
    # Within a radius r of x is |y| <= |x| + r, so no more than lost (|x| + r) is lost, and
    # r^2 / 2 <= half + lost (|x| + r), which is solved for r. The product of what is within r
    # may be larger than r^2 / 2 by as much again, and is then rounded.
    bits[0] = np.int32(max(bound, 0)) << 16
    half = ROUNDED * number[0]
    radius = bounds[0] + np.sqrt(bounds[1] + 2 * half)
    number[0] = SINGLE * (radius**2 - half)
    return np.int16((bits[0] >> 16) + 2)


@_compiled
def _lower(least: np.ndarray, value: np.ndarray) -> None:
    """Leaves the lesser numbers [Q] in `least` and the larger in `value`."""
    for j in range(len(least)):
        low = min(least[j], value[j])
        value[j] = max(least[j], value[j])
        least[j] = low


@_compiled
def _begin(products: np.ndarray, first: int, some: int, queries: _Queries) -> None:
    """The limits of queries by their products [R, Q] with references of their class.

    Args:
        first: of the queries, `some`: each asks for so many.
    """
    rows, width = products.shape
    # Side by side for all queries: the least of some rows each, and of these the least few.
    depth = max(1, rows // (16 * some))
    least, value = np.empty((some, width), np.int16), np.empty(width, np.int16)
    least.fill(HIGHEST)
    for start in range(0, rows, depth):
        value.fill(HIGHEST)
        for i in range(start, min(start + depth, rows)):
            row = products[i]
            for j in range(width):
                value[j] = min(value[j], row[j])
        for c in range(some):
            _lower(least[c], value)
    bits = np.empty(1, np.int32)
    number = bits.view(np.float32)
    for j in range(width):
        bound, query = least[some - 1, j], first + j
        if bound < HIGHEST:
            queries.limit[query] = _limit(bound, queries.bounds[query], bits, number)


@_compiled
def _replace(heap: np.ndarray, value: int) -> None:
    """Puts a value into a heap, in place of the largest, which comes first."""
    j = 0
    while 2 * j + 1 < len(heap):
        child = 2 * j + 1
        if child + 1 < len(heap) and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= value:
            break
        heap[j] = heap[child]
        j = child
    heap[j] = value


@_compiled
def _tighten(
    query: int, queries: _Queries, memory: np.ndarray, bits: np.ndarray, number: np.ndarray
) -> None:
    """Of the references that a query holds leaves those that can be near by what it holds."""
    near, product = queries.near[query], queries.product[query]
    heap = memory[: queries.needs[query]]
    heap[:] = HIGHEST
    for m in range(queries.often[query]):
        same = queries.others[near[m]] == queries.classes[query]
        if product[m] < heap[0] and same:
            _replace(heap, product[m])
    limit = queries.limit[query]
    if heap[0] < HIGHEST:
        limit = min(limit, _limit(heap[0], queries.bounds[query], bits, number))
    n = 0
    for m in range(queries.often[query]):
        if product[m] < limit:
            near[n], product[n] = near[m], product[m]
            n += 1
    # Where little is left out of all that it has room for, it would be asked again and again.
    if queries.often[query] == len(near) and 4 * n > 3 * len(near):
        limit, n = LOWEST, 0
    queries.limit[query], queries.often[query] = limit, n


@_compiled
def _meet(
    products: np.ndarray, first_row: int, first_column: int, both: bool, queries: _Queries
) -> None:
    """Queries take the references that can be near.

    Args:
        products: [B, W] of references, from `first_row` on, and of queries, from `first_column`.
        both: these are queries, and references, too.
    """
    limit, often, near, product = queries.limit, queries.often, queries.near, queries.product
    most, width = near.shape[1], products.shape[1]
    opposite = limit[first_column : first_column + width]
    memory, bits = np.empty(most, np.int16), np.empty(1, np.int32)
    number = bits.view(np.float32)
    flags = np.zeros(-(-width // 64) * 64, np.int8)
    words = flags.view(np.uint64)
    for i in range(len(products)):
        row, line = first_row + i, products[i]
        own = limit[row] if both else LOWEST
        for j in range(width):
            flags[j] = line[j] < max(own, opposite[j])
        for start in range(0, len(words), 8):
            some = words[start]
            for w in range(start + 1, start + 8):
                some |= words[w]
            if not some:
                continue
            mask = np.uint64(0)
            for w in range(8):
                mask |= ((words[start + w] * BYTES) >> np.uint64(56)) << np.uint64(8 * w)
            while mask:
                j = 8 * start + np.int64(trailing_zeros(mask))
                mask &= mask - np.uint64(1)
                column = first_column + j
                # Written in any case: what is not counted is written over.
                if both:
                    n = often[row]
                    near[row, n], product[row, n] = column, line[j]
                    often[row] = n + (line[j] < limit[row])
                    if often[row] == most:
                        _tighten(row, queries, memory, bits, number)
                n = often[column]
                near[column, n], product[column, n] = row, line[j]
                often[column] = n + (line[j] < opposite[j])
                if often[column] == most:
                    _tighten(column, queries, memory, bits, number)


@_compiled
def _compare(
    first: int,
    asked: np.ndarray,
    queries: _Queries,
    query: np.ndarray,
    reference: np.ndarray,
    squared: np.ndarray,
    order: np.ndarray,
    distance: np.ndarray,
) -> None:
    """Leaves what can be near by all products, and fills in distances in float32.

    Args:
        first: of the queries, `asked`: [B] their numbers before they were sorted.
        query: [Q, d], `reference`: [R, d], `squared`: [R] norms, not sorted.
        order: [R] the numbers of the references; the queries hold these afterwards.
        distance: [B, S] as of `knn.distances_to`.
    """
    memory, bits = np.empty(queries.near.shape[1], np.int16), np.empty(1, np.int32)
    number = bits.view(np.float32)
    for row in range(len(asked)):
        _tighten(first + row, queries, memory, bits, number)
        near, mine = queries.near[first + row], query[asked[row]]
        for m in range(queries.often[first + row]):
            near[m], inner = order[near[m]], np.float32(0)
            yours = reference[near[m]]
            for c in range(len(mine)):
                inner += mine[c] * yours[c]
            distance[row, m] = squared[near[m]] - 2 * inner


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
def _count(
    often: np.ndarray,
    near: np.ndarray,
    distance: np.ndarray,
    rows: np.ndarray,
    asked: np.ndarray,
    k: np.ndarray,
    own: np.ndarray,
    members: np.ndarray,
    size: np.ndarray,
    counts: np.ndarray,
) -> None:
    """See `Screen.counts`; the first three of the queries of numbers `rows`, as of `_compare`."""
    nearest, which = np.empty(near.shape[1], np.float32), np.empty(near.shape[1], np.int64)
    for row, query in enumerate(rows):
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
    rows: np.ndarray,
    nearest: np.ndarray,
    which: np.ndarray,
) -> None:
    """See `Screen.nearest`; the first three of the queries of numbers `rows`, as of `_compare`."""
    length = nearest.shape[1]
    for row, query in enumerate(rows):
        values, numbers = nearest[query], which[query]
        for m in range(often[row]):
            if distance[row, m] < values[length - 1]:
                _insert(values, length, distance[row, m], numbers, near[row, m])


class _Factors:
    """Factors in bfloat16 of a product that is half the squared distance of states [n, d].

    Half the squared norm, as two numbers of bfloat16 (2^-16 of it is lost), meets ones.

    Attributes:
        right: [n, d + 4].
        squared: [n] norms of the states, `norm`: not squared, `left_out`: of what bfloat16 leaves
            out of them.
    """

    def __init__(self, states: Tensor) -> None:
        n, d = states.shape
        self.right = states.new_empty((n, d + 4), dtype=torch.bfloat16)
        self.squared, self.left_out = states.new_empty(2, n)
        every = states, self.right[:, :d], self.squared, self.left_out
        # Few at a time: memory that is used again costs less than what is fresh.
        for own, rounded, squared, left_out in zip(
            *(p.split(2 * BLOCK) for p in every), strict=True
        ):
            held = rounded.copy_(own).float().sub_(own)
            torch.linalg.vector_norm(held, dim=1, out=left_out)
            torch.sum(torch.mul(own, own, out=held), 1, out=squared)
        self.norm, more = self.squared.sqrt(), self.right[:, d:]
        more[:, :2] = 1
        more[:, 2] = self.squared / 2
        more[:, 3] = self.squared / 2 - more[:, 2].float()


def _left(right: Tensor, held: Tensor) -> Tensor:
    """[B, d + 4] the other factor of some rows, where it is to be put."""
    left, d = held[: len(right)], right.shape[1] - 4
    torch.neg(right[:, :d], out=left[:, :d])
    left[:, d : d + 2], left[:, d + 2 :] = right[:, d + 2 :], right[:, d : d + 2]
    return left


def _numbers(left: Tensor, right: Tensor, held: Tensor) -> np.ndarray:
    """Products [B, W] of [B, d + 4] and [d + 4, W], as of `_Queries`, put into `held`."""
    place = held[: len(left) * right.shape[1]].view(len(left), -1)
    return torch.mm(left, right, out=place).view(torch.int16).numpy()


class _Part(NamedTuple):
    """Rows of one class."""

    label: int
    start: int
    stop: int


def _cut(labels: Tensor, most: int) -> list[_Part]:
    """Labels [n], in their order, in parts of no more than `most`."""
    parts, start = [], 0
    for label, n in enumerate(labels.bincount().tolist()):
        pieces = -(-n // most)
        ends = [start + n * i // pieces for i in range(pieces + 1)] if n else []
        parts += [_Part(label, *some) for some in pairwise(ends)]
        start += n
    return parts


Rounds = Iterator[list[tuple[_Part, _Part]]]  # of references and queries; none is in two of one


def _every_pair(parts: list[_Part]) -> Rounds:
    """Each part with itself, then once with every other, as in a tournament."""
    yield list(zip(parts, parts, strict=True))
    ring = [*parts, None] if len(parts) % 2 else [*parts]
    half = len(ring) // 2
    for _ in ring[1:]:
        pairs = zip(ring[:half], reversed(ring[half:]), strict=True)
        yield [(one, other) for one, other in pairs if one and other]
        ring = [ring[0], ring[-1], *ring[1:-1]]


def _every_other(references: list[_Part], queries: list[_Part]) -> Rounds:
    """Each part of queries with references of its class, then with all others."""
    labels = [part.label for part in references]
    home = [(labels.index(part.label), part) for part in queries if part.label in labels]
    for turn in range(len(references)):
        yield [(references[(place + turn) % len(references)], part) for place, part in home]


class Screen:
    """For queries [Q, d] the nearest of references [R, d], on so many threads."""

    def __init__(self, query: Tensor, reference: Tensor, threads: int) -> None:
        self._threads = threads
        there = _Factors(reference)
        asked = there if query is reference else _Factors(query)
        self._asked, self._there = asked, there
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
        self._query, self._reference = query, reference

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
        found = asked.new_zeros(2, len(asked))
        about = [part.numpy() for part in (asked, k, own, members, size, found)]
        self._run(asked, belongs, k + 1, _count, about)
        return found

    def nearest(self, length: int) -> tuple[Tensor, Tensor]:
        """[Q, length] references and distances, nearest first; infinite where it is not told."""
        queries, references = len(self._query), len(self._reference)
        near = torch.zeros((queries, length), dtype=torch.int64)
        distance = torch.full(near.shape, torch.inf)
        one = torch.zeros(max(queries, references), dtype=torch.int64)
        count = torch.full((queries,), length)
        about = [distance.numpy(), near.numpy()]
        self._run(one[:queries], one[:references], count, _list, about)
        return near, distance

    def _run(
        self,
        asked: Tensor,
        belongs: Tensor,
        needs: Tensor,
        kernel: Callable[..., None],
        about: list[np.ndarray],
    ) -> None:
        """A kernel on what is near each query.

        Args:
            asked: [Q] the class of each query, `belongs`: [R] of each reference.
            needs: [Q] how many of its class it asks for.
        """
        alike = self._query is self._reference and torch.equal(asked, belongs)
        # A tenth more, so that two classes of about a half are cut alike.
        most = min(PART, math.ceil(1.1 * len(belongs) / (2 * self._threads)))
        parts = _cut(belongs, most if alike else 2 * PART)
        asking = parts if alike else _cut(asked, PART)
        held = 4 * int(needs.max()) + SPARE
        # Of all references about as large a share is near as is needed of the class, and as many
        # again cannot be told from these.
        size = belongs.bincount(minlength=int(asked.max()) + 1)
        few = 2 * needs * len(belongs) <= held * size[asked]
        if not self._usable or not few.any() or SMALL * len(parts) > len(belongs):
            return
        order, rows = belongs.argsort(stable=True), asked.argsort(stable=True)
        width = self._there.right.shape[1]
        longest, widest = (max(p.stop - p.start for p in some) for some in (parts, asking))
        near, product, right, factors, products = _side_by_side(
            (len(rows), 2 * held),
            (len(rows), held),
            (len(rows), width),
            (self._threads, longest, width),
            (self._threads, longest * widest),
        )
        torch.index_select(self._asked.right, 0, rows, out=right)
        references = right if alike else self._there.right[order]
        queries = _Queries(
            classes=asked[rows].numpy(),
            others=belongs[order].numpy(),
            needs=needs[rows].numpy(),
            bounds=self._bounds[rows].numpy(),
            limit=np.full(len(rows), LOWEST),
            often=np.zeros(len(rows), np.int64),
            near=near.view(torch.int32).numpy(),
            product=product.view(torch.int16).numpy(),
        )

        def meet(thread: int, pairs: list[tuple[_Part, _Part]], first: bool) -> None:
            for some, others in pairs[thread :: self._threads]:
                left = _left(references[some.start : some.stop], factors[thread])
                columns = right[others.start : others.stop].T
                if first and few[rows[others.start]]:
                    number = _numbers(left, columns, products[thread])
                    most_needed = int(queries.needs[others.start : others.stop].max())
                    _begin(number, others.start, most_needed, queries)
                    _meet(number, some.start, others.start, False, queries)
                elif not first:
                    for row in range(0, len(left), BLOCK):
                        number = _numbers(left[row : row + BLOCK], columns, products[thread])
                        _meet(number, some.start + row, others.start, alike, queries)

        states = self._query, self._reference, self._there.squared, order
        given, numbers = [part.numpy() for part in states], rows.numpy()

        def compare(thread: int) -> None:
            distance = np.empty((STEP, held), np.float32)
            for start in range(thread * STEP, len(rows), self._threads * STEP):
                some = slice(start, start + STEP)
                _compare(start, numbers[some], queries, *given, distance)
                found = queries.often[some], queries.near[some], distance
                kernel(*found, numbers[some], *about)

        with team(self._threads) as together:
            rounds = _every_pair(parts) if alike else _every_other(parts, asking)
            for turn, pairs in enumerate(rounds):
                together(partial(meet, pairs=pairs, first=turn == 0))
            together(compare)


def _side_by_side(*shapes: tuple[int, ...]) -> list[Tensor]:
    """Fresh tensors in bfloat16, of one piece: large, so that NumPy asks for large pages.

    A page costs a microsecond when it is first written to, and there would be thousands.
    """
    sizes = [math.prod(shape) for shape in shapes]
    piece = torch.from_numpy(np.empty(max(sum(sizes), LARGE), np.int16)).view(torch.bfloat16)
    parts = piece[: sum(sizes)].split(sizes)
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
