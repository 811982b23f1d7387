"""Candidates by products in bfloat16: the optional backend of the search, for many wide states.

A processor with bfloat16 instructions multiplies two to four times as fast in bfloat16. The
rounding error is bounded: with x = h + e, h in bfloat16, x.y - h_x.h_y = h_x.e_y + e_x.y, no more
than |h_x| |e_y| + |e_x| |y| (Cauchy-Schwarz). So each distance has a lower and an upper bound, and
no reference within a radius is missed. The few remaining references are compared again in float32,
and `search` decides among them in float64. No result depends on bfloat16.

Queries and references are cut into parts. A part of queries first meets one part of references:
from these each query has a radius. Then it meets all others. Where the queries are the
references, each product serves both directions, and half of the work is saved.

Compiled loops read the products. So this file is imported only where it saves more time than their
compilation takes.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from attinfo.information.neighbors.distances import Sides
from attinfo.information.neighbors.screen.candidates import (
    LOWEST,
    Queries,
    begin,
    compare,
    fill_lists,
    meet,
)
from attinfo.information.neighbors.screen.parts import cut, every_other, every_pair

PART = 1200  # queries or references at most: their products stay in the cache
BLOCK = 512  # of these at a time meet another part
SMALL = 64  # parts that are smaller on average are not worth it
SPARE = 224  # references held for a query, and four for each asked for: no power of two
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
    """Multiply [B, d + 4] by [d + 4, W] in bfloat16.

    The product is written to the memory `held`. It is returned as 16-bit integers, which `Queries`
    compares without converting them.
    """
    place = held[: len(left) * right.shape[1]].view(len(left), -1)
    return torch.mm(left, right, out=place).view(torch.int16).numpy()


class Found(NamedTuple):
    """What the screen knows of the queries `rows`; see `search.Search._in_order`.

    Attributes:
        rows: [m] the queries whose nearest references were found.
        lower: [m, L] ascending lower bounds of distances, `near`: [m, L] the references.
        cutoff: [m, 1] lower bound of what is not listed.
        sides: of these queries.
    """

    rows: Tensor
    lower: Tensor
    near: Tensor
    cutoff: Tensor
    sides: Sides


class Screen:
    """Candidates among references [R, d] for queries [Q, d], both float64 of unit size."""

    def __init__(self, query: Tensor, reference: Tensor) -> None:
        centre = reference.mean(0)
        alike = query is reference
        self._reference = (reference - centre).float()
        self._query = self._reference if alike else (query - centre).float()
        there = _Factors(self._reference)
        asked = there if alike else _Factors(self._query)
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

    def nearest(self, length: int) -> Found:
        """The references nearest to each query, `length` of them, where they can be known."""
        queries = len(self._query)
        near = torch.zeros((queries, length), dtype=torch.int64)
        distance = torch.full((queries, length), torch.inf, dtype=torch.float32)
        self._run(length, distance, near)
        rows = torch.nonzero(distance[:, -1].isfinite())[:, 0]
        near, found = near[rows], distance[rows].double()
        own = self._query[rows].double().square().sum(1, keepdim=True)
        other = self._reference.double().square().sum(1)
        # Rounding of the states, of their norms, and of a sum of d products.
        error = 2 * (self._reference.shape[1] + 16) * 2.0**-24
        lower, order = (found - error * other[near]).sort(1)
        cutoff = found[:, -1:] - error * other.max()
        sides = Sides(base=own, own=own, other=other, error=error)
        return Found(rows, lower, near.gather(1, order), cutoff, sides)

    def _run(self, length: int, distance: Tensor, near: Tensor) -> None:
        """Fill in distances and references [Q, length], nearest first, where they are known."""
        alike, references = self._query is self._reference, len(self._reference)
        most = min(PART, math.ceil(1.1 * references / 2))
        parts = cut(references, most if alike else 2 * PART)
        held = 4 * length + SPARE
        # Of all references twice as many as are asked for may be near, or the query stays unknown.
        if not self._usable or 2 * length > held or SMALL * len(parts) > references:
            return
        asking = parts if alike else cut(len(self._query), PART)
        width = self._there.right.shape[1]
        longest, widest = (max(p.stop - p.start for p in some) for some in (parts, asking))
        candidates, product, factors, products = _side_by_side(
            (len(self._query), 2 * held),
            (len(self._query), held),
            (longest, width),
            (longest * widest,),
        )
        right, there = self._asked.right, self._there.right
        queries = Queries(
            needs=np.full(len(self._query), length),
            bounds=self._bounds.numpy(),
            limit=np.full(len(self._query), LOWEST),
            often=np.zeros(len(self._query), np.int64),
            near=candidates.view(torch.int32).numpy(),
            product=product.view(torch.int16).numpy(),
        )
        rounds = every_pair(parts) if alike else every_other(parts, asking)
        for turn, pairs in enumerate(rounds):
            for some, others in pairs:
                left = _left(there[some.start : some.stop], factors)
                columns = right[others.start : others.stop].T
                if turn == 0:
                    number = _numbers(left, columns, products)
                    begin(number, others.start, length, queries)
                    meet(number, some.start, others.start, False, queries)
                    continue
                for row in range(0, len(left), BLOCK):
                    number = _numbers(left[row : row + BLOCK], columns, products)
                    meet(number, some.start + row, others.start, alike, queries)
        states = [p.numpy() for p in (self._query, self._reference, self._there.squared)]
        memory = np.empty((STEP, held), np.float32)
        for start in range(0, len(self._query), STEP):
            part = slice(start, start + STEP)
            often, candidate = queries.often[part], queries.near[part]
            apart = memory[: len(often)]
            compare(start, queries, states[0], states[1], states[2], apart)
            fill_lists(often, candidate, apart, distance[part].numpy(), near[part].numpy())


def _side_by_side(*shapes: tuple[int, ...]) -> list[Tensor]:
    """Fresh tensors in bfloat16, of one piece: large, so that NumPy asks for large pages.

    A page costs a microsecond when it is first written to, and there would be thousands.
    """
    sizes = [math.prod(shape) for shape in shapes]
    piece = torch.from_numpy(np.empty(max(sum(sizes), LARGE), np.int16)).view(torch.bfloat16)
    parts = piece[: sum(sizes)].split(sizes)
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
