"""Does attention order the tokens as information does? Rank agreement, ties and all, by text.

Weights are compared by the scores they come from, which order them in the same way and do not
round to ties. What has no order (constant attention, a single token) is undefined: excluded and
counted, never zero.
"""

from attinfo.agreement.gaps import GAP_BINS, study_gaps
from attinfo.agreement.plausibility import read_rated
from attinfo.agreement.reliability import between_seeds, split_half
from attinfo.agreement.tables import by_text, by_unit, measures_of, read_pointwise

__all__ = ["GAP_BINS", "between_seeds", "by_text", "by_unit", "measures_of"]
__all__ += ["read_pointwise", "read_rated", "split_half", "study_gaps"]
