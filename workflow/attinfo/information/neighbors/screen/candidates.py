"""The references that can be near each query, by products in bfloat16: compiled loops.

`begin` gives each query a limit by its products with some references, `meet` takes what is below
the limit, `compare` computes in float32 how far that is, `fill_lists` keeps the nearest.

The import of numba and the compilation take about four seconds. So this file is imported only where
it saves more time.
"""

from typing import NamedTuple

import numba
from numba.cpython.unsafe.numbers import trailing_zeros
import numpy as np

ROUNDED = 1 + 2**-8  # times a number of bfloat16 is more than anything that was rounded to it
SINGLE = 1 + 2**-9  # is for what float32 loses where these bounds are computed, and more
LOWEST, HIGHEST = np.int16(-(2**15)), np.int16(2**15 - 1)
BYTES = np.uint64(0x0102040810204080)  # times eight bytes of 0 or 1 has them as its highest bits

# A sum may be taken in any order: otherwise it is not vectorised.
_compiled = numba.njit(nogil=True, fastmath={"reassoc", "nsz", "contract"})


class Queries(NamedTuple):
    """What is known of the queries.

    Products are whole numbers here, the bits of bfloat16: from zero on these have its order, and
    what is below zero is less.

    Attributes:
        needs: [Q] how many references each asks for.
        bounds: [Q, 2] `lost`, where `lost` (|x| + r) is the most that a product within r of x can
            lack, and lost^2 + 2 lost |x|.
        limit: [Q] what is near has a product below it; the lowest where it is not known.
        often: [Q] references held so far, `near`: [Q, S] these, `product`: [Q, S] of them.
    """

    needs: np.ndarray
    bounds: np.ndarray
    limit: np.ndarray
    often: np.ndarray
    near: np.ndarray
    product: np.ndarray


@_compiled
def _limit(bound: int, bounds: np.ndarray, bits: np.ndarray, number: np.ndarray) -> np.int16:
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
def begin(products: np.ndarray, first: int, some: int, queries: Queries) -> None:
    """The limits of queries by their products [R, Q] with some references.

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
    query: int, queries: Queries, memory: np.ndarray, bits: np.ndarray, number: np.ndarray
) -> None:
    """Of the references that a query holds leaves those that can be near by what it holds."""
    near, product = queries.near[query], queries.product[query]
    heap = memory[: queries.needs[query]]
    heap[:] = HIGHEST
    for m in range(queries.often[query]):
        if product[m] < heap[0]:
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
def meet(
    products: np.ndarray, first_row: int, first_column: int, both: bool, queries: Queries
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
                place = 8 * start + np.int64(trailing_zeros(mask))
                mask &= mask - np.uint64(1)
                column = first_column + place
                # Written in any case: what is not counted is written over.
                if both:
                    n = often[row]
                    near[row, n], product[row, n] = column, line[place]
                    often[row] = n + (line[place] < limit[row])
                    if often[row] == most:
                        _tighten(row, queries, memory, bits, number)
                n = often[column]
                near[column, n], product[column, n] = row, line[place]
                often[column] = n + (line[place] < opposite[place])
                if often[column] == most:
                    _tighten(column, queries, memory, bits, number)


@_compiled
def compare(
    first: int,
    queries: Queries,
    query: np.ndarray,
    reference: np.ndarray,
    squared: np.ndarray,
    distance: np.ndarray,
) -> None:
    """Leave what can be near by all products, and fill in distances in float32.

    Args:
        first: of the queries.
        queries: what is known of them.
        query: [Q, d], `reference`: [R, d], `squared`: [R] norms.
        distance: [B, S] squared, less the query's squared norm.
    """
    memory, bits = np.empty(queries.near.shape[1], np.int16), np.empty(1, np.int32)
    number = bits.view(np.float32)
    for row in range(len(distance)):
        _tighten(first + row, queries, memory, bits, number)
        near, mine = queries.near[first + row], query[first + row]
        for m in range(queries.often[first + row]):
            inner = np.float32(0)
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
def fill_lists(
    often: np.ndarray,
    near: np.ndarray,
    distance: np.ndarray,
    nearest: np.ndarray,
    which: np.ndarray,
) -> None:
    """Leave in `nearest` [B, L] and `which` [B, L] the least distances of each query, ascending.

    Args:
        often: [B] candidates of each query, `near`: [B, S] these.
        distance: [B, S] of these.
        nearest: infinite so far, `which`: the references.
    """
    length = nearest.shape[1]
    for row in range(len(often)):
        values, numbers = nearest[row], which[row]
        for m in range(often[row]):
            if distance[row, m] < values[length - 1]:
                _insert(values, length, distance[row, m], numbers, near[row, m])
