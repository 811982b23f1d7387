"""Runs, and the grids and filters of a config that say which runs a study has."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from attinfo.blocks.normalisers import normaliser_name, parse_normaliser
from attinfo.config.section import Section, described
from attinfo.config.sections import OneOrMore

Normalisers = Annotated[
    OneOrMore,
    AfterValidator(lambda names: [normaliser_name(*parse_normaliser(name)) for name in names]),
]


class Run(NamedTuple):
    """One trained model: a cell, a variant and a seed. Its path holds its files."""

    dataset: str
    encoder: str
    attention: str
    normaliser: str
    variant: str
    seed: int

    @property
    def path(self) -> str:
        """The run's folder, below `results/<study>/runs/`."""
        return "/".join(map(str, self))

    @property
    def group(self) -> str:
        """The folder of all seeds of the run's cell and variant."""
        return "/".join(self[:-1])


class Filter(Section):
    """A choice of runs: those made of the named blocks. A kind that is not named may be any."""

    dataset: OneOrMore | None = described(None, "One or more data sets.", "rotten_tomatoes")
    encoder: OneOrMore | None = described(None, "One or more encoders.", ["cnn", "mlp"])
    attention: OneOrMore | None = described(None, "One or more scorers.", "deep")
    normaliser: Normalisers | None = described(
        None, "One or more normalisers, each with its temperature.", "gumbel_softmax@0.5"
    )
    variant: OneOrMore | None = described(None, "One or more variants.", "permuted")

    def matches(self, run: Run) -> bool:
        """Whether a run has one of the names in each of the filter's keys."""
        return all(getattr(run, key) in names for key, names in self.named())

    def named(self) -> Iterator[tuple[str, list[str]]]:
        """The kinds of building blocks that are named, and the names."""
        return ((key, names) for key, names in self if names is not None)


class Filtered(Section):
    """A section that chooses among runs."""

    include: list[Filter] = described(
        [], "Keep only runs that one of these matches; empty: keep all.", [{"encoder": "bilstm"}]
    )
    exclude: list[Filter] = described(
        [],
        "Leave out runs that one of these matches.",
        [{"encoder": "mlp", "normaliser": "softmax"}],
    )

    def keeps(self, run: Run) -> bool:
        """Whether a run passes."""
        wanted = not self.include or any(one.matches(run) for one in self.include)
        return wanted and not any(one.matches(run) for one in self.exclude)

    def filters(self) -> Iterator[tuple[str, Filter]]:
        """Each filter, with the place where it stands."""
        for name in ("include", "exclude"):
            for i, one in enumerate(getattr(self, name)):
                yield f"{name}.{i}", one

    def check(self, runs: Sequence[Run]) -> None:
        """A filter that matches none of the runs it is for is a mistake.

        Raises:
            ValueError: there is one.
        """
        for place, one in self.filters():
            if not any(map(one.matches, runs)):
                raise ValueError(f"{place}: {dict(one.named())} matches no run")


class Grid(Filtered):
    """A cross product of building blocks. A study is the union of its grids."""

    dataset: OneOrMore = described(..., "One or more data sets.", "rotten_tomatoes")
    encoder: OneOrMore = described(..., "One or more encoders.", ["bilstm", "mlp"])
    attention: OneOrMore = described(..., "One or more scorers.", ["additive", "scaled_dot"])
    normaliser: Normalisers = described(
        ...,
        "One or more normalisers, each with a temperature after `@` where that is not 1.",
        ["softmax", "gumbel_softmax@0.5"],
    )
    variant: OneOrMore = described(
        ["trained"], "One or more variants of the models.", ["trained", "permuted"]
    )

    def named(self) -> Iterator[tuple[str, list[str]]]:
        """The kinds of building blocks, and the names."""
        return ((key, names) for key, names in self if key in Run._fields)

    def crossed(self, seeds: Iterable[int]) -> Iterator[Run]:
        """All runs of the cross product, its filters aside."""
        blocks = (self.dataset, self.encoder, self.attention, self.normaliser, self.variant)
        return (Run(*run) for run in product(*blocks, seeds))
