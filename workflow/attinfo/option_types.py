"""Types for the options of building blocks, used to annotate the arguments of a block.

The registry of blocks reads annotations from the source text. It knows the names in this file.
"""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt, MinLen

Text = Annotated[str, MinLen(1)]
Count = Annotated[int, Ge(1)]
Positive = Annotated[float, Gt(0)]
Share = Annotated[float, Ge(0), Lt(1)]
Probability = Annotated[float, Ge(0), Le(1)]

__all__ = ["Annotated", "Count", "Ge", "Gt", "Le", "Literal", "Lt", "Positive", "Probability"]
__all__ += ["Share", "Text"]
