"""The figures of the report: each a function of the study's tables, drawn in one style.

In a notebook: `FIGURES["agreement"].draw(read_tables("results/default")).figure`.

To add one: a function `(tables) -> Drawing` in the file of its family, named in `DRAWERS`, and an
entry of the same name in `figure_names.ENTRIES`. It draws what the study has, tells in its caption
what is seen, in the study's own numbers, and raises `Missing` where there is nothing to draw.
"""

from attinfo.figures.drawing import Drawing, Missing, is_missing
from attinfo.figures.registry import FIGURES, Kind, draw_all
from attinfo.figures.tables import Tables, read_tables

__all__ = ["FIGURES", "Drawing", "Kind", "Missing", "Tables"]
__all__ += ["draw_all", "is_missing", "read_tables"]
