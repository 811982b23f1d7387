"""The figures of the report: each a function of the study's tables, drawn in one style.

In a notebook: `FIGURES["agreement"].draw(read_tables("results/default")).figure`.

To add one: a function `(tables) -> Drawing` in a file of its own, and an entry in
`catalogue.FIGURES`. The function draws what the study has and states in its caption, in the study's
own numbers, what can be seen. It raises `Missing` where there is nothing to draw.
"""

from typing import TYPE_CHECKING

from attinfo.runtime.lazy import lazily

if TYPE_CHECKING:
    from attinfo.figures.catalogue import FIGURES
    from attinfo.figures.tables import read_tables

__all__ = ["FIGURES", "read_tables"]
__getattr__ = lazily(__name__, {"FIGURES": "catalogue", "read_tables": "tables"})
