"""The runs of a study, and the grids and filters of a config that define them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from attinfo.blocks.normalisers import normaliser_name, parse_normaliser
from attinfo.config.sections.base import OneOrMore, Section, described

Normalisers = Annotated[
    OneOrMore,
    AfterValidator(lambda names: [normaliser_name(*parse_normaliser(name)) for name in names]),
]


class Run(NamedTuple):
    """One run: a cell (data set, encoder, attention, normaliser), a variant and a seed."""

    dataset: str
    encoder: str
    attention: str
    normaliser: str
    variant: str
    seed: int

    @property
    def path(self) -> str:
        """The folder of the run, relative to `results/<study>/runs/`."""
        return "/".join(map(str, self))

    @property
    def group(self) -> str:
        """The folder of all seeds of a cell and variant, relative to `results/<study>/runs/`."""
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
        """Whether the run has one of the filter's names for each kind that the filter gives."""
        return all(getattr(run, key) in names for key, names in self.named())

    def named(self) -> Iterator[tuple[str, list[str]]]:
        """The kinds of building blocks that the filter gives, each with its names."""
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
        """Whether a run matches an `include` filter, if there are any, and no `exclude` filter."""
        wanted = not self.include or any(one.matches(run) for one in self.include)
        return wanted and not any(one.matches(run) for one in self.exclude)

    def filters(self) -> Iterator[tuple[str, Filter]]:
        """Each filter with its place in the section, as in "include.0"."""
        for name in ("include", "exclude"):
            for i, one in enumerate(getattr(self, name)):
                yield f"{name}.{i}", one

    def check(self, runs: Sequence[Run]) -> None:
        """Check that every filter matches a run; a filter without a match is a mistake.

        Args:
            runs: the runs to which the filters apply.

        Raises:
            ValueError: a filter matches no run.
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
        """The kinds of building blocks of the grid, each with its names."""
        return ((key, names) for key, names in self if key in Run._fields)

    def crossed(self, seeds: Iterable[int]) -> Iterator[Run]:
        """All runs of the cross product with these seeds, before filters are applied."""
        blocks = (self.dataset, self.encoder, self.attention, self.normaliser, self.variant)
        return (Run(*run) for run in product(*blocks, seeds))
