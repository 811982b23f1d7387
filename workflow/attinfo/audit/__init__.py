"""Whether the attention of a text classifier explains its predictions.

`audit(model, texts, labels)` returns tables; `python -m attinfo.audit` runs the workflow.
"""

from typing import TYPE_CHECKING

from attinfo.runtime.lazy import lazily

if TYPE_CHECKING:
    from attinfo.audit.api import Audited, audit

__all__ = ["Audited", "audit"]
__getattr__ = lazily(__name__, {"Audited": "api", "audit": "api"})
