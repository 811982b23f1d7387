"""Rows cut into parts of a class, and rounds in which they meet: no two threads at one part."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor


class Part(NamedTuple):
    """Rows of one class."""

    label: int
    start: int
    stop: int


def cut(sizes: Tensor, most: int) -> list[Part]:
    """Classes of sizes [C], one after the other, in parts of no more than `most`."""
    parts, start = [], 0
    for label, n in enumerate(sizes.tolist()):
        pieces = -(-n // most)
        ends = [start + n * i // pieces for i in range(pieces + 1)] if n else []
        parts += [Part(label, *some) for some in pairwise(ends)]
        start += n
    return parts


Rounds = Iterator[list[tuple[Part, Part]]]  # of references and queries; none is in two of one


def every_pair(parts: list[Part]) -> Rounds:
    """Each part with itself, then once with every other, as in a tournament."""
    yield list(zip(parts, parts, strict=True))
    ring = [*parts, None] if len(parts) % 2 else [*parts]
    half = len(ring) // 2
    for _ in ring[1:]:
        pairs = zip(ring[:half], reversed(ring[half:]), strict=True)
        yield [(one, other) for one, other in pairs if one and other]
        ring = [ring[0], ring[-1], *ring[1:-1]]


def every_other(references: list[Part], queries: list[Part]) -> Rounds:
    """Each part of queries with references of its class, then with all others."""
    labels = [part.label for part in references]
    home = [(labels.index(part.label), part) for part in queries if part.label in labels]
    for turn in range(len(references)):
        yield [(references[(place + turn) % len(references)], part) for place, part in home]
