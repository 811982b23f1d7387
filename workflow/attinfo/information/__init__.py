"""Information between hidden states and a model's output, in nats.

`estimate(hidden, output)` takes a reader's own arrays; `units.information` a run of a study.
"""

from attinfo.flags import FLAGS
from attinfo.information.arrays import estimate
from attinfo.information.summary import Estimate

__all__ = ["FLAGS", "Estimate", "estimate"]
