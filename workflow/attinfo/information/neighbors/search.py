"""The nearest references of each query, in the order of their exact distances.

Fast distances with a bound of their error find the references that can be near; where two of them
are too close to be distinguished, they are computed again from differences in float64. So the order
and the ties are those of a float64 brute force, for any states, any number of threads, and any
backend that finds the candidates.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from attinfo.information.neighbors.compiled import compiles
from attinfo.information.neighbors.distances import Fast, Metric, Sides, exact

BLOCK = 256  # queries at a time: bounds the memory to BLOCK x references
UNSURE = 0.3  # share of unsure places from which float64 is faster than differences
SHARE = 40  # lists of one in SHARE references or fewer are found faster by a screen


class Lists(NamedTuple):
    """The nearest references of each query, nearest first.

    Attributes:
        near: [Q, L] int64 references.
        ends: [Q, L] bool, whether every reference up to this place is nearer than all that follow,
            listed or not. The references between two ends are equally far.
    """

    near: Tensor
    ends: Tensor


class Search:
    """Nearest references [R, d] of queries.

    Args:
        reference: [R, d] float64 of unit size (`distances.of_unit_size`).
        metric: of the distances.
    """

    def __init__(self, reference: Tensor, metric: Metric = "euclidean") -> None:
        self._reference, self._metric = reference, metric
        self._fast: dict[torch.dtype, Fast] = {}

    def nearest(self, query: Tensor, length: int) -> Lists:
        """The `length` references nearest to each query [Q, d], scaled as the references are."""
        near = torch.empty((len(query), length), dtype=torch.int64, device=query.device)
        ends = torch.empty(near.shape, dtype=torch.bool, device=query.device)
        if self._metric == "euclidean" and screen_pays(query, self._reference, length):
            from attinfo.information.neighbors.screen.screened import Screen  # compiles

            found = Screen(query, self._reference).nearest(length)
            near[found.rows], ends[found.rows] = self._in_order(
                query[found.rows], found.lower, found.near, found.cutoff, found.sides
            )
            unknown = torch.ones(len(query), dtype=torch.bool).index_fill_(0, found.rows, False)
            rows = torch.nonzero(unknown)[:, 0]
        else:
            rows = torch.arange(len(query), device=query.device)
        # Where the user lets float32 products be less precise, their bound would not hold.
        single = torch.get_float32_matmul_precision() == "highest"
        dtypes = (torch.float32, torch.float64) if single else (torch.float64,)
        for block in rows.split(BLOCK):
            near[block], ends[block] = self._of_block(query[block], length, dtypes)
        return Lists(near, ends)

    def _of_block(
        self, query: Tensor, length: int, dtypes: tuple[torch.dtype, ...]
    ) -> tuple[Tensor, Tensor]:
        """Lists of a few queries; the next dtype where too much is unsure in the first."""
        fast = self._in(dtypes[0])
        references = len(self._reference)
        held = torch.empty((len(query), references), dtype=dtypes[0], device=query.device)
        lower, near = least(fast.lower(query, held), length)
        lower, sides = lower.double(), fast.sides(query)
        unsure = _unsure(lower, near, sides)
        if len(dtypes) > 1 and float(unsure.double().mean()) > UNSURE:
            return self._of_block(query, length, dtypes[1:])
        whole = length == references
        cutoff = torch.full_like(lower[:, :1], torch.inf) if whole else lower[:, -1:]
        return self._in_order(query, lower, near, cutoff, sides)

    def _in(self, dtype: torch.dtype) -> Fast:
        if dtype not in self._fast:
            self._fast[dtype] = Fast(self._reference, self._metric, dtype)
        return self._fast[dtype]

    def _in_order(
        self, query: Tensor, lower: Tensor, near: Tensor, cutoff: Tensor, sides: Sides
    ) -> tuple[Tensor, Tensor]:
        """References in their exact order, and where it ends (see `Lists`).

        Args:
            query: [Q, d].
            lower: [Q, L] ascending lower bounds of distances, without the query's share.
            near: [Q, L] the references.
            cutoff: [Q, 1] what is not listed has no lower bound below it.
            sides: of the queries.
        """
        level = sides.base - sides.error * sides.own
        distance = lower + level + sides.error * (sides.own + sides.other[near])
        rows, places = torch.nonzero(_unsure(lower, near, sides), as_tuple=True)
        if len(rows):
            columns = near[rows, places]
            found = exact(query, self._reference, rows, columns, self._metric)
            distance[rows, places] = found
            mixed = torch.nonzero((distance[:, 1:] < distance[:, :-1]).any(1))[:, 0]
            if len(mixed):
                distance[mixed], order = distance[mixed].sort(dim=1, stable=True)
                near[mixed] = near[mixed].gather(1, order)
        ends = distance < cutoff + level
        ends[:, :-1] &= distance[:, 1:] > distance[:, :-1]
        ends[:, -1] &= cutoff[:, 0].isinf()
        return near, ends


def least(values: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """[Q, length] the least values of each row [Q, R], ascending, and their places.

    Where few are asked for, the columns are taken in `side` at a time first: what is among the
    least is in a set of columns whose least value is.
    """
    columns = values.shape[1]
    side = math.isqrt(columns // length)
    if side < 3:
        return values.topk(length, largest=False, sorted=True)
    width = columns // side
    sets = values[:, : side * width].unflatten(1, (side, width)).amin(1)
    places = sets.topk(length, largest=False, sorted=False).indices[:, None]
    step = torch.arange(0, side * width, width, device=values.device)[:, None]
    rest = torch.arange(side * width, columns, device=values.device).expand(len(values), -1)
    places = torch.cat([(places + step).flatten(1), rest], 1)
    found = values.gather(1, places).topk(length, largest=False, sorted=True)
    return found.values, places.gather(1, found.indices)


def _unsure(lower: Tensor, near: Tensor, sides: Sides) -> Tensor:
    """[Q, L] whether the distance to a reference may be as large as that of another listed one."""
    upper = lower + 2 * sides.error * (sides.own + sides.other[near])
    apart = upper.cummax(1).values[:, :-1] < lower[:, 1:]
    unsure = torch.zeros_like(near, dtype=torch.bool)
    unsure[:, 1:] |= ~apart
    unsure[:, :-1] |= ~apart
    return unsure


def screen_pays(query: Tensor, reference: Tensor, length: int) -> bool:
    """Whether the screen in bfloat16 is there, and there are states enough for it to pay."""
    return (
        min(len(query), len(reference)) >= 3000
        and reference.shape[1] >= 64
        and length * SHARE <= len(reference)
        and reference.device.type == "cpu"
        and torch.cpu.get_capabilities().get("avx512_bf16", False)
        and compiles()
    )


def distinct(states: Tensor) -> tuple[Tensor, Tensor]:
    """The states [n, d] float64 of which no two are the same, and for each the row of its own."""
    # Where no two have the same sum of bits none are the same, and sorting them is saved. Signs
    # are left out, as -0 is 0.
    bits = 2 * states.contiguous().view(torch.int64).sum(1)
    if len(bits.unique()) == len(bits):
        return states, torch.arange(len(states), device=states.device)
    different, place = torch.unique(states, dim=0, return_inverse=True)
    return different, place
