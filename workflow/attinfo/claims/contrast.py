"""What a contrast is: a signed sum of one statistic over sets of runs.

The sets are alike in everything named in `within`, and paired by data set and seed.
"""

from dataclasses import dataclass, replace
from typing import Literal

ACCURACY_TOLERANCE = 0.01  # test accuracies no further apart are "the same"


@dataclass(frozen=True)
class Side:
    """A set of runs, whose mean of a statistic enters a contrast with a weight.

    `runs` is a pandas query over the columns dataset, encoder, attention, normaliser, kind and
    temperature (of the normaliser), variant and seed.
    """

    weight: int
    runs: str
    statistic: str


@dataclass(frozen=True)
class Contrast:
    """One comparison. The effect is the weighted sum of its sides, less `against`.

    With a `margin` it claims that the effect is within ± margin: an equivalence test. A control
    asks the same of two sides once more, with accuracy held fixed: `adjusted` for it by
    regression within strata, or from `matched` pairs of runs of the same accuracy.
    """

    claim: str
    statement: str
    sides: tuple[Side, ...]
    within: tuple[str, ...] = ()
    against: float = 0.0
    margin: float | None = None
    primary: bool = False
    control: Literal["adjusted", "matched"] | None = None

    @property
    def statistic(self) -> str:
        """What the effect is a difference of."""
        return self.sides[0].statistic

    @property
    def statistics(self) -> set[str]:
        """What of each run must be known."""
        return {side.statistic for side in self.sides} | ({"accuracy"} if self.control else set())

    @property
    def role(self) -> str:
        """`primary`, one a conclusion; `control`; or `secondary`."""
        return "primary" if self.primary else "control" if self.control else "secondary"


def versus(statistic: str, plus: str, minus: str, other: str | None = None) -> tuple[Side, Side]:
    """`plus` less `minus`, which may be measured by another statistic."""
    return Side(1, plus, statistic), Side(-1, minus, other or statistic)


def controls(primary: Contrast) -> list[Contrast]:
    """The primary contrast with accuracy held fixed, in two ways."""
    asked = replace(primary, primary=False)
    return [
        replace(asked, statement=f"{primary.statement}, adjusted for accuracy", control="adjusted"),
        replace(
            asked,
            statement=f"{primary.statement}, runs within {ACCURACY_TOLERANCE:g} in accuracy",
            control="matched",
        ),
    ]
