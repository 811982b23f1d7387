"""Distances between states: fast ones with a bound of their error, and exact ones of chosen pairs.

The metrics are the squared Euclidean distance and the Chebyshev distance, the largest difference in
any coordinate. An exact distance is a sum (or the largest) of differences in float64. It is exact
for any states. A distance from a product of states is not: if one column is large, the product
loses small differences in other columns.
"""

from collections.abc import Callable
from dataclasses import dataclass
import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from attinfo.information.neighbors.compiled import compiles

Metric = Literal["euclidean", "chebyshev"]
PAIRS = 2**18  # coordinates of exact differences that are held at a time
NOTHING = {torch.float32: 1e-30, torch.float64: 1e-290}  # where squares begin to vanish


def of_unit_size(states: Tensor) -> Tensor:
    """The states in float64, divided by a power of two near their largest difference from a mean.

    Nothing is rounded, and no square overflows or vanishes.
    """
    states = states.double()
    largest = float((states / 2 - states.mean(0) / 2).abs().max()) if len(states) else 0.0
    power = -math.frexp(largest)[1] if largest > 0 else 0
    # In two steps: the power itself may be too large for a number.
    return states * 2.0 ** (power // 2) * 2.0 ** (power - power // 2)


def exact(
    query: Tensor, reference: Tensor, rows: Tensor, columns: Tensor, metric: Metric
) -> Tensor:
    """[m] float64 distances between queries `rows` [m] and references `columns` [m]."""
    found = query.new_empty(len(rows))
    step = max(1, PAIRS // query.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        apart = query[rows[part]] - reference[columns[part]]
        if apart.device.type == "cpu":
            values = apart.numpy()  # NumPy sums in an order that is the same on every machine
            far = np.abs(values).max(1) if metric == "chebyshev" else (values**2).sum(1)
            found[part] = torch.from_numpy(far)
        elif metric == "chebyshev":
            found[part] = apart.abs().amax(1)
        else:
            found[part] = apart.square().sum(1)
    return found


@dataclass(frozen=True)
class Sides:
    """What bounds the distance of a query to listed references.

    The distance lies between `value + base - error * own` and `2 * error * (own + other)` above.

    Attributes:
        base, own: [Q, 1] of the queries.
        other: [R] of the references.
        error: relative error of the fast distances.
    """

    base: Tensor
    own: Tensor
    other: Tensor
    error: float


class Fast:
    """Fast distances from queries to references, with bounds.

    Args:
        reference: [R, d] float64 of unit size.
        metric: of the distances.
        dtype: in which they are computed.
    """

    def __init__(self, reference: Tensor, metric: Metric, dtype: torch.dtype) -> None:
        self._centre, self._metric, self._dtype = reference.mean(0), metric, dtype
        self._reference = self._rounded(reference)
        width, unit = reference.shape[1], 2.0**-24 if dtype == torch.float32 else 2.0**-53
        if metric == "euclidean":
            # Rounding of states and norms, and of a sum of d products. In float64 as much again
            # for what is called exact.
            self.error = (width + 16) * unit * (1 if dtype == torch.float32 else 4)
        else:
            self.error = 8 * unit
        self.other = self._size(self._reference)
        lower = self.other * (1 - self.error) if metric == "euclidean" else self.other * self.error
        self._lower = lower.to(dtype)
        # Rounded down, so that the bound stays one.
        self._lower -= self._lower.abs() * 2 * unit
        self._distances = self._chebyshev() if metric == "chebyshev" else None

    def _rounded(self, states: Tensor) -> Tensor:
        return (states - self._centre).to(self._dtype)

    def _size(self, states: Tensor) -> Tensor:
        """[n] float64 squared norms, or largest coordinates."""
        states = states.double()
        size = states.square().sum(1) if self._metric == "euclidean" else states.abs().amax(1)
        return size + NOTHING[self._dtype]

    def _chebyshev(self) -> Callable[[Tensor, Tensor], Tensor]:
        reference = self._reference
        if reference.device.type == "cpu" and reference.dtype == torch.float32 and compiles():
            from attinfo.information.neighbors import chebyshev  # compiles

            return chebyshev.distances_to(reference)

        def distances(query: Tensor, held: Tensor) -> Tensor:
            return held[: len(query)].copy_(torch.cdist(query, reference, p=torch.inf))

        return distances

    def sides(self, query: Tensor) -> Sides:
        """The bounds of queries [Q, d]."""
        own = self._size(self._rounded(query))[:, None]
        base = own if self._metric == "euclidean" else torch.zeros_like(own)
        return Sides(base, own, self.other, self.error)

    def lower(self, query: Tensor, held: Tensor) -> Tensor:
        """Compute [Q, R] lower bounds of distances, without the terms of each query.

        `sides` returns the terms that are the same for all references of a query.

        Args:
            query: [Q, d] states.
            held: [>= Q, R] memory for the result: fresh memory would cost as much as the product.
        """
        states = self._rounded(query)
        if self._distances is not None:
            return self._distances(states, held).sub_(self._lower)
        out = held[: len(states)]
        return torch.addmm(self._lower, states, self._reference.T, alpha=-2, out=out)
