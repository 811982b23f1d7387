"""Neighbours by products in bfloat16; float32 decides among the few references that can be near.

A processor that has bfloat16 multiplies two to four times as fast in it. What it leaves out is
bounded: with x = h + e, h in bfloat16, x.y - h_x.h_y = h_x.e_y + e_x.y, no more than
|h_x| |e_y| + |e_x| |y| (Cauchy-Schwarz). So a distance is known from both sides, and nothing
within a radius is missed. The few references that are left are compared once more, in float32:
no answer hangs on bfloat16.

Queries and references are cut into parts, each of one class. A part first meets references of its
own class: from these each query has a radius. Then it meets all others. Where the queries are the
references, each product serves both: a part meets every other once, and half the work is saved.

Compiled loops read the products, so this is imported where it saves what they cost.
"""

from collections.abc import Callable
from functools import partial
import math

import numpy as np
import torch
from torch import Tensor

from attinfo.information.neighbors.screen.candidates import (
    LOWEST,
    Queries,
    begin,
    compare,
    count_within,
    fill_lists,
    meet,
)
from attinfo.information.neighbors.screen.parts import Part, cut, every_other, every_pair
from attinfo.information.neighbors.threads import team

PART = 1200  # queries or references at most: their products stay in the cache
BLOCK = 512  # of these at a time meet another part
SMALL = 64  # parts that are smaller on average are not worth it
SPARE = 224  # references held for a query, and four for each that it asks for: no power of two
STEP = 256  # queries at a time are compared in float32
LARGE = 2**21  # elements of two bytes: of so many on NumPy asks for large pages


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
    """Products [B, W] of [B, d + 4] and [d + 4, W], as of `Queries`, put into `held`."""
    place = held[: len(left) * right.shape[1]].view(len(left), -1)
    return torch.mm(left, right, out=place).view(torch.int16).numpy()


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
        self._run(asked, belongs, k + 1, count_within, about)
        return found

    def nearest(self, length: int) -> tuple[Tensor, Tensor]:
        """[Q, length] references and distances, nearest first; infinite where it is not told."""
        queries, references = len(self._query), len(self._reference)
        near = torch.zeros((queries, length), dtype=torch.int64)
        distance = torch.full(near.shape, torch.inf)
        one = torch.zeros(max(queries, references), dtype=torch.int64)
        count = torch.full((queries,), length)
        about = [distance.numpy(), near.numpy()]
        self._run(one[:queries], one[:references], count, fill_lists, about)
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
        size = belongs.bincount(minlength=int(asked.max()) + 1)
        # A tenth more, so that two classes of about a half are cut alike.
        most = min(PART, math.ceil(1.1 * len(belongs) / (2 * self._threads)))
        parts = cut(size, most if alike else 2 * PART)
        held = 4 * int(needs.max()) + SPARE
        # Of all references about as large a share is near as is needed of the class, and as many
        # again cannot be told from these.
        few = 2 * needs * len(belongs) <= held * size[asked]
        if not self._usable or not few.any() or SMALL * len(parts) > len(belongs):
            return
        order = belongs.argsort(stable=True)
        asking, rows = parts, order
        if not alike:
            asking, rows = cut(asked.bincount(), PART), asked.argsort(stable=True)
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
        queries = Queries(
            classes=asked[rows].numpy(),
            others=belongs[order].numpy(),
            needs=needs[rows].numpy(),
            bounds=self._bounds[rows].numpy(),
            limit=np.full(len(rows), LOWEST),
            often=np.zeros(len(rows), np.int64),
            near=near.view(torch.int32).numpy(),
            product=product.view(torch.int16).numpy(),
        )

        def round_of(thread: int, pairs: list[tuple[Part, Part]], first: bool) -> None:
            for some, others in pairs[thread :: self._threads]:
                left = _left(references[some.start : some.stop], factors[thread])
                columns = right[others.start : others.stop].T
                if first and few[rows[others.start]]:
                    number = _numbers(left, columns, products[thread])
                    most_needed = int(queries.needs[others.start : others.stop].max())
                    begin(number, others.start, most_needed, queries)
                    meet(number, some.start, others.start, False, queries)
                elif not first:
                    for row in range(0, len(left), BLOCK):
                        number = _numbers(left[row : row + BLOCK], columns, products[thread])
                        meet(number, some.start + row, others.start, alike, queries)

        states = self._query, self._reference, self._there.squared, order
        given, numbers = [part.numpy() for part in states], rows.numpy()

        def decide(thread: int) -> None:
            distance = np.empty((STEP, held), np.float32)
            for start in range(thread * STEP, len(rows), self._threads * STEP):
                some = slice(start, start + STEP)
                compare(start, numbers[some], queries, *given, distance)
                found = queries.often[some], queries.near[some], distance
                kernel(*found, numbers[some], *about)

        with team(self._threads) as together:
            rounds = every_pair(parts) if alike else every_other(parts, asking)
            for turn, pairs in enumerate(rounds):
                together(partial(round_of, pairs=pairs, first=turn == 0))
            together(decide)


def _side_by_side(*shapes: tuple[int, ...]) -> list[Tensor]:
    """Fresh tensors in bfloat16, of one piece: large, so that NumPy asks for large pages.

    A page costs a microsecond when it is first written to, and there would be thousands.
    """
    sizes = [math.prod(shape) for shape in shapes]
    piece = torch.from_numpy(np.empty(max(sum(sizes), LARGE), np.int16)).view(torch.bfloat16)
    parts = piece[: sum(sizes)].split(sizes)
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
