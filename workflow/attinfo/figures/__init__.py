"""The figures of the report: each a function of the study's tables, drawn in one style.

In a notebook: `FIGURES["agreement"].draw(read_tables("results/default")).figure`.

To add one: a function `(tables) -> Drawing` in the file of its family, named in `DRAWERS`, and an
entry of the same name in `catalogue.ENTRIES`. It draws what the study has, states in its caption
what is seen, in the study's own numbers, and raises `Missing` where there is nothing to draw.
"""

from typing import TYPE_CHECKING

from attinfo.runtime.lazy import lazily

if TYPE_CHECKING:
    from attinfo.figures.registry import FIGURES
    from attinfo.figures.tables import read_tables

__all__ = ["FIGURES", "read_tables"]
__getattr__ = lazily(__name__, {"FIGURES": "registry", "read_tables": "tables"})
