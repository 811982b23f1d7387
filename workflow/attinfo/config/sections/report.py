"""The report: the section `report`."""

from pydantic import (
    PositiveInt,
)

from attinfo.config.sections.base import Section, described


class Report(Section):
    """What the report shows besides the tables."""

    texts: PositiveInt = described(10, "Texts that are shown word by word.", 20)
    seed: int = described(3, "Seed of the draw of these texts.", 1)
    published: str | None = described(
        None,
        "A CSV file of published numbers to show beside those of the study.",
        "studies/jain_wallace.csv",
    )
