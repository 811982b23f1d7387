"""Which references can be among the nearest, by products in bfloat16; float32 decides among them.

A processor that has bfloat16 multiplies four times as fast in it. What it leaves out is bounded:
with x = h + e, h in bfloat16, x.y - h_x.h_y = h_x.e_y + e_x.y, no more than
|h_x| |e_y| + |e_x| |y| (Cauchy-Schwarz). So a distance is known from both sides, and nothing
within a radius is missed. The few references that are left are compared once more, in float32:
no answer hangs on bfloat16.
"""

from collections.abc import Iterator
from typing import NamedTuple
import warnings

import torch
from torch import Tensor
from torch.nn.functional import pad

BLOCK = 512  # queries at a time: their products stay in the cache
CHUNK = 8 * BLOCK  # queries at a time that are compared once more
LANES = 64  # so many minima are found as fast as one
SHARE = 40  # one in SHARE references compared alone takes as long as all at once
ROUNDED = 1 + 2**-8  # times a number of bfloat16 is more than anything that was rounded to it
SINGLE = 1 + 2**-9  # is for what float32 loses where these bounds are computed, and more
MOST = 256  # and where more can be, memory is in danger too
FAR = 2.0**100


def pays(query: Tensor, reference: Tensor) -> bool:
    """Whether this processor has bfloat16, and there are states enough that it is faster."""
    return (
        min(len(query), len(reference)) >= 2000
        and reference.shape[1] >= 64
        and reference.device.type == "cpu"
        and torch.cpu.get_capabilities().get("avx512_bf16", False)
    )


class _Factors:
    """Factors in bfloat16 of a product that is half the squared distance of states [n, d].

    Half the squared norm, as two numbers of bfloat16 (2^-16 of it is lost), meets ones. Memory is
    used again: what is fresh costs a tenth of the estimate.

    Attributes:
        right: [n, d + 4], and rows that are far from all up to a multiple of four.
        squared: [n] norms of the states, `norm`: not squared, `left_out`: of what bfloat16 leaves
            out of them.
    """

    def __init__(self, states: Tensor) -> None:
        n, d = states.shape
        self.right = states.new_zeros((n + -n % 4, d + 4), dtype=torch.bfloat16)
        self.right[n:, -1] = FAR
        rounded, more = self.right[:n, :d].copy_(states), self.right[:n, d:]
        held = rounded.float().sub_(states)
        self.left_out = torch.linalg.vector_norm(held, dim=1)
        self.squared = torch.mul(states, states, out=held).sum(1)
        self.norm = self.squared.sqrt()
        more[:, :2] = 1
        more[:, 2] = self.squared / 2
        more[:, 3] = self.squared / 2 - more[:, 2].float()

    def left(self) -> Tensor:
        """The other factor, of as many rows."""
        left, d = torch.empty_like(self.right), self.right.shape[1] - 4
        torch.neg(self.right[:, :d], out=left[:, :d])
        left[:, d : d + 2], left[:, d + 2 :] = self.right[:, d + 2 :], self.right[:, d : d + 2]
        return left


class Near(NamedTuple):
    """Pairs of queries and references, those of a query together.

    Attributes:
        rows: [B] the queries.
        start: [B + 1] the first pair of each.
        query: [M] in `rows`, of each pair, and `reference`: [M].
        distance: [M] as of `knn.distances_to`.
    """

    rows: Tensor
    start: Tensor
    query: Tensor
    reference: Tensor
    distance: Tensor

    def beside(self, pair: Tensor, distance: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Distances and values of some pairs, ascending, beside each other for each query [B, C].

        Where a query has fewer than C they are infinite and 0.
        """
        query, queries = self.query[pair], len(self.rows)
        often = query.bincount(minlength=queries)
        place = query, torch.arange(len(pair)) - (often.cumsum(0) - often)[query]
        shape = queries, int(often.max())
        far, nothing = distance.new_full(shape, torch.inf), value.new_zeros(shape)
        return far.index_put_(place, distance), nothing.index_put_(place, value)


class Screen:
    """For queries [Q, d] the references [R, d] that can be as near as some number of peers."""

    def __init__(self, query: Tensor, reference: Tensor) -> None:
        self._query, self._reference = query, reference
        there = _Factors(reference)
        asked = there if query is reference else _Factors(query)
        self._left, self._right = asked.left(), there.right
        largest = max(float(there.norm.max()), float(asked.norm.max()))
        width = reference.shape[1]
        # The bounds hold where no square comes near the limits of float32.
        self._usable = 2**-16 < largest < 2**40 and width <= 1024
        self._squared = there.squared
        # No state is taken for shorter than this: of shorter ones products may vanish.
        shortest = 2**-30 * largest
        norm = asked.norm.clamp(min=shortest)
        share = (there.left_out / there.norm.clamp(min=shortest)).max()
        # Of |x| (|x| + r) are lost by halves of norms 2^-15, by four sums in float32 the rest.
        small = 2**-15 + (width + 4) * 2**-21
        self._lost = (norm + asked.left_out) * share + asked.left_out + small * norm
        self._inside = self._lost * (self._lost + 2 * norm)
        self._held = self._right.new_empty(BLOCK, len(self._right))

    def near(self, rows: Tensor, order: Tensor, peers: int, count: int) -> Iterator[Near]:
        """Some queries at a time, the references that can be within their radius.

        It ends early where queries have too many, and leaves out single queries that have.

        Args:
            rows: of the queries.
            order: [R] the references, the `peers` first: of these a radius must hold `count`.
        """
        groups = LANES * -(-count // 4)
        if not self._usable or peers < groups:
            return
        grouped, most = peers // groups * groups, min(len(order) // SHARE + 2 * count, MOST)
        added = torch.arange(len(order), len(self._right))
        right = self._right.index_select(0, torch.cat([order, added])).T
        for chunk in rows.split(CHUNK):
            lost, inside = self._lost[chunk], self._inside[chunk]
            found = []
            size = -(-len(chunk) // -(-len(chunk) // BLOCK))  # no small block is left for the end
            for start in range(0, len(chunk), size):
                part = slice(start, start + size)
                left = self._left.index_select(0, chunk[part])
                half = torch.mm(left, right, out=self._held[: len(left)])
                # As whole numbers bfloat16 has the same order from zero on, and below is less.
                key = half.view(torch.int16)
                # `count` peers are no farther than the nearest of `count` groups of them.
                least = key[:, :grouped].unflatten(1, (-1, groups)).amin(1)
                least = least.unflatten(1, (4, -1)).amin(1)
                least = least.topk(count, largest=False).values[:, -1].view(torch.bfloat16)
                # Within a radius r of x is |y| <= |x| + r, so no more than `lost` (|x| + r) is
                # lost, and r^2 / 2 <= least + lost (|x| + r), which is solved for r. The product
                # for what is within r may be larger than r^2 / 2 by as much again, and is then
                # rounded as the limit is.
                least = ROUNDED * least.float().clamp(min=0)
                radius = lost[part] + (inside[part] + 2 * least).sqrt()
                limit = (SINGLE * (radius**2 - least)).bfloat16()
                key.le_(limit.view(torch.int16)[:, None])
                # Most are 0, so they are looked for four at a time.
                four = key.view(torch.int64).view(-1)
                word = torch.nonzero(four)[:, 0]
                if len(word) > most * len(key):
                    return
                found.append((word + start * key.shape[1] // 4, four.index_select(0, word)))
            word, four = (torch.cat(each) for each in zip(*found, strict=True))
            place = torch.nonzero(four.view(torch.int16))[:, 0]
            pair = word.index_select(0, place >> 2).mul_(4).add_(place & 3)
            row = pair // len(self._right)
            column = pair - row * len(self._right)
            often = row.bincount(minlength=len(chunk))
            few = often <= most
            if not few.any():
                return
            if not few.all():
                kept = few[row]
                row, column = (few.cumsum(0) - 1)[row[kept]], column[kept]
                chunk, often = chunk[few], often[few]
            start, reference = pad(often.cumsum(0), (1, 0)), order[column]
            yield Near(chunk, start, row, reference, self._compared(chunk, start, reference))

    def _compared(self, rows: Tensor, start: Tensor, reference: Tensor) -> Tensor:
        """[M] distances as of `knn.distances_to`, of pairs in rows that start there."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that sparse tensors of rows are in beta
            pairs = torch.sparse_csr_tensor(
                start,
                reference,
                torch.zeros(len(reference)),
                size=(len(rows), len(self._reference)),
                check_invariants=False,
            )
            query = self._query.index_select(0, rows)
            product = torch.sparse.sampled_addmm(pairs, query, self._reference.T, alpha=-2, beta=0)
        return product.values() + self._squared[reference]
