"""The classes of a contrast and of a conclusion, which is contrasts with their wording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from attinfo.labels import label_of

ACCURACY_TOLERANCE = 0.01  # test accuracies that are no further apart count as the same
Control = Literal["adjusted", "matched", "enough"]
TRAINED = "variant == 'trained'"


def both(*conditions: str) -> str:
    """Join pandas queries: all of them must hold."""
    return " and ".join(conditions)


@dataclass(frozen=True)
class Side:
    """A set of runs whose mean of a statistic enters a contrast with a weight.

    `runs` is a pandas query over the columns dataset, encoder, attention, normaliser, kind and
    temperature (of the normaliser), variant and seed.
    """

    weight: int
    runs: str
    statistic: str


@dataclass(frozen=True)
class Contrast:
    """A signed sum of a statistic over sets of runs.

    The sets are equal in everything that `within` names, and paired by data set and seed. The
    effect is the weighted sum of the sides, less `against`. A positive effect supports the
    conclusion.

    Attributes:
        statement: what is compared, in a few words. With `by`, "{}" stands for the block.
        sides: the sets of runs.
        within: columns of the table of runs that are equal within a stratum.
        against: a constant that is subtracted from the effect.
        margin: the contrast claims that the effect is within ± margin, which is tested as an
            equivalence.
        each: the claim of the margin is about each run, not about their mean.
        primary: whether the verdict on this contrast is that on the conclusion.
        co_primary: whether the verdict on the conclusion needs this contrast too.
        control: repeats a contrast of two sides with accuracy held fixed: "adjusted" for it by a
            regression within strata, or from "matched" pairs of runs of the same accuracy.
            "enough" repeats a contrast on the runs that were trained enough.
        by: `encoder` or `normaliser`: the contrast is repeated for each that the study has.
        finding: a sentence for the page that holds {effect}, as `Conclusion.finding`; "" for none.
            Of a contrast about each run: what the claim means, before the count of runs.
        about: where the difference lies, as in "between encoders".
        claim: the numeral of the conclusion; `Conclusion.contrasts` set it.
    """

    statement: str
    sides: tuple[Side, ...]
    within: tuple[str, ...] = ()
    against: float = 0.0
    margin: float | None = None
    each: bool = False
    primary: bool = False
    co_primary: bool = False
    control: Control | None = None
    by: Literal["encoder", "normaliser"] | None = None
    finding: str = ""
    about: str = ""
    claim: str = ""

    @property
    def statistic(self) -> str:
        """The statistic of the first side, in whose unit the effect is."""
        return self.sides[0].statistic

    @property
    def statistics(self) -> set[str]:
        """All statistics that the contrast needs of each run."""
        return {side.statistic for side in self.sides} | (
            {"accuracy"} if self.control in ("adjusted", "matched") else set()
        )

    @property
    def role(self) -> str:
        """`primary`, of which each conclusion has one; `co-primary`, `control` or `secondary`."""
        if self.primary or self.co_primary:
            return "primary" if self.primary else "co-primary"
        return "control" if self.control else "secondary"

    def of(self, runs: str) -> "Contrast":
        """The same contrast of the runs that a pandas query finds."""
        sides = tuple(replace(side, runs=both(side.runs, runs)) for side in self.sides)
        return replace(self, sides=sides)

    def repeated(self, blocks: Mapping[str, Sequence[str]]) -> list["Contrast"]:
        """The contrast for each block that `by` asks for.

        Args:
            blocks: kind of block -> the names that a study has.
        """
        if self.by is None:
            return [self]
        return [
            replace(
                self.of(f"{self.by} == '{name}'"),
                statement=self.statement.format(label_of(name)),
                by=None,
            )
            for name in blocks[self.by]
        ]


@dataclass(frozen=True)
class Specification:
    """One way to compute the effect of a conclusion that could be defended.

    Attributes:
        choices: what was chosen, as pairs of an axis and a choice, in words.
        contrast: what is computed.
    """

    choices: tuple[tuple[str, str], ...]
    contrast: Contrast


def measured(contrast: Contrast, statistic: str) -> Contrast:
    """The same contrast of another statistic."""
    sides = tuple(replace(side, statistic=statistic) for side in contrast.sides)
    return replace(contrast, sides=sides)


def versus(statistic: str, plus: str, minus: str, other: str | None = None) -> tuple[Side, Side]:
    """The sides of `plus` less `minus`; the second may have another statistic."""
    return Side(1, plus, statistic), Side(-1, minus, other or statistic)


def controls(primary: Contrast) -> list[Contrast]:
    """The primary contrast with accuracy held fixed, in two ways."""
    return [
        _control(primary, "adjusted", "adjusted for accuracy"),
        _control(primary, "matched", f"runs within {ACCURACY_TOLERANCE:g} in accuracy"),
    ]


def trained_enough(primary: Contrast) -> Contrast:
    """The primary contrast on the runs that were trained enough."""
    return _control(primary, "enough", "runs that were trained enough")


def _control(primary: Contrast, control: Control, words: str) -> Contrast:
    statement = f"{primary.statement}, {words}"
    return replace(primary, primary=False, finding="", statement=statement, control=control)


@dataclass(frozen=True)
class Conclusion:
    """A conclusion that is tested, with everything the page says of it.

    Attributes:
        statement: the conclusion, as the paper has it.
        question: the same as a question in plain words, which "yes" answers if it is supported.
        finding: a sentence on the effect. It holds {effect}, such as "3.1 percentage points more".
        more, less: the words for a positive and a negative effect.
        declared: its contrasts, declared before any result; exactly one is primary. If others are
            co-primary, the conclusion is called only if all of them are significant with one sign.
        specifications: the ways to compute its effect that could be defended, declared before any
            result. The first is the primary contrast, which is the only one if none is declared.
        scale, unit, decimals: how the size of the effect is written.
        numeral: (i), (ii), …; its place among all conclusions gives it.
    """

    statement: str
    question: str
    finding: str
    more: str
    less: str
    declared: tuple[Contrast, ...]
    specifications: tuple[Specification, ...] = ()
    scale: float = 1
    unit: str = ""
    decimals: int = 2
    numeral: str = ""

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        """The contrasts, under the numeral of the conclusion."""
        return tuple(replace(contrast, claim=self.numeral) for contrast in self.declared)


def roman(number: int) -> str:
    """A number from 1 to 39 as a small Roman numeral."""
    tens, ones = divmod(number, 10)
    return "x" * tens + ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")[ones]


def numbered(conclusions: Sequence[tuple[str, Conclusion]]) -> dict[str, Conclusion]:
    """Give each conclusion the numeral of its place.

    Args:
        conclusions: name -> conclusion, in order.

    Raises:
        ValueError: a conclusion has no primary contrast, or more than one.
    """
    for name, conclusion in conclusions:
        count = sum(contrast.primary for contrast in conclusion.declared)
        if count != 1:
            raise ValueError(f"conclusion '{name}' has {count} primary contrasts, expected one")
    return {
        name: replace(conclusion, numeral=roman(place), specifications=_specified(conclusion))
        for place, (name, conclusion) in enumerate(conclusions, 1)
    }


def _specified(conclusion: Conclusion) -> tuple[Specification, ...]:
    primary = next(contrast for contrast in conclusion.declared if contrast.primary)
    return conclusion.specifications or (Specification((), primary),)
