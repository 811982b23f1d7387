"""Intervals and the level of the verdicts: the section `statistics`."""

from attinfo.config.sections.base import Fraction, Section, described


class Statistics(Section):
    """Intervals and verdicts."""

    bootstrap: int = described(
        2000,
        "Resamples of the texts behind each interval. Texts are drawn one by one, even if a data"
        " set names a `group`: the intervals of the claims are then too narrow.",
        10000,
        ge=200,
    )
    level: Fraction = described(0.95, "Level of all intervals and verdicts.", 0.99)
    seed: int = described(7, "Seed of the resamples.", 1)
