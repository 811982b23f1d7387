"""Rows cut into parts, and rounds in which the parts meet: none is in two pairs of a round."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple


class Part(NamedTuple):
    """Rows from `start` to before `stop`."""

    start: int
    stop: int


def cut(rows: int, most: int) -> list[Part]:
    """The rows in parts of equal sizes, no more than `most`."""
    pieces = -(-rows // most)
    return [Part(*some) for some in pairwise(rows * i // pieces for i in range(pieces + 1))]


Rounds = Iterator[list[tuple[Part, Part]]]  # of references and queries


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
    """Each part of queries with every part of references."""
    for turn in range(len(references)):
        yield [
            (references[(place + turn) % len(references)], part)
            for place, part in enumerate(queries)
        ]
