"""What a contrast is, and a conclusion: contrasts with the words that the page has for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

ACCURACY_TOLERANCE = 0.01  # test accuracies that are no further apart count as the same
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
    conclusion. With a `margin` the contrast claims that the effect is within ± margin, which is
    tested as an equivalence.

    A `control` repeats a contrast of two sides with accuracy held fixed: "adjusted" for it by a
    regression within strata, or from "matched" pairs of runs of the same accuracy.

    Attributes:
        claim: the numeral of the conclusion; `Conclusion.contrasts` set it.
    """

    statement: str
    sides: tuple[Side, ...]
    within: tuple[str, ...] = ()
    against: float = 0.0
    margin: float | None = None
    primary: bool = False
    control: Literal["adjusted", "matched"] | None = None
    claim: str = ""

    @property
    def statistic(self) -> str:
        """The statistic of the first side, in whose unit the effect is."""
        return self.sides[0].statistic

    @property
    def statistics(self) -> set[str]:
        """All statistics that the contrast needs of each run."""
        return {side.statistic for side in self.sides} | ({"accuracy"} if self.control else set())

    @property
    def role(self) -> str:
        """`primary`, of which each conclusion has one; `control`; or `secondary`."""
        return "primary" if self.primary else "control" if self.control else "secondary"


def versus(statistic: str, plus: str, minus: str, other: str | None = None) -> tuple[Side, Side]:
    """The sides of `plus` less `minus`; the second may have another statistic."""
    return Side(1, plus, statistic), Side(-1, minus, other or statistic)


def controls(primary: Contrast) -> list[Contrast]:
    """The primary contrast with accuracy held fixed, in two ways."""
    repeated = replace(primary, primary=False)
    return [
        replace(
            repeated, statement=f"{primary.statement}, adjusted for accuracy", control="adjusted"
        ),
        replace(
            repeated,
            statement=f"{primary.statement}, runs within {ACCURACY_TOLERANCE:g} in accuracy",
            control="matched",
        ),
    ]


@dataclass(frozen=True)
class Conclusion:
    """A conclusion that is tested, with everything the page says of it.

    Attributes:
        statement: the conclusion, as the paper has it.
        question: the same as a question in plain words, which "yes" answers if it is supported.
        finding: a sentence on the effect. It holds {effect}, such as "3.1 percentage points more".
        more, less: the words for a positive and a negative effect.
        declared: its contrasts, declared before any result; exactly one is primary.
        scale, unit, decimals: how the size of the effect is written.
        numeral: (i), (ii), …; its place among all conclusions gives it.
    """

    statement: str
    question: str
    finding: str
    more: str
    less: str
    declared: tuple[Contrast, ...]
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
        name: replace(conclusion, numeral=roman(place))
        for place, (name, conclusion) in enumerate(conclusions, 1)
    }
