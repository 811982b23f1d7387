"""Information between hidden states and a model's output, in nats.

`estimate(hidden, output)` takes your own arrays; `units.information` takes a run of a study.
"""

from typing import TYPE_CHECKING

from attinfo.runtime.lazy import lazily

if TYPE_CHECKING:
    from attinfo.information.api import estimate
    from attinfo.information.flags import FLAGS
    from attinfo.information.summary import Estimate

__all__ = ["FLAGS", "Estimate", "estimate"]
__getattr__ = lazily(__name__, {"estimate": "api", "Estimate": "summary", "FLAGS": "flags"})
