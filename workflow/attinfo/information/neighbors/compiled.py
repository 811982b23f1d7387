"""Whether loops can be compiled: numba is an optional dependency (`pip install 'attinfo[fast]'`).

Everything that numba does here has a plain torch path with the same results.
"""

from functools import cache
from importlib.util import find_spec


@cache
def compiles() -> bool:
    """Whether numba is installed and compiles (`NUMBA_DISABLE_JIT` is not set)."""
    try:
        if find_spec("numba") is None:
            return False
        from numba.core import config
    except ImportError:  # numba also refuses NumPy versions that it does not know
        return False
    return not getattr(config, "DISABLE_JIT", False)
