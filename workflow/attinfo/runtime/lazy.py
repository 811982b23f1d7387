"""Public names of a package that are imported when they are first used.

With ordinary imports in `__init__.py`, a job that imports one name would import the modules of all
public names. Snakemake would count all these modules as inputs of the job, and code that only reads
tables would import torch.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package.

    Args:
        package: its `__name__`.
        homes: public name -> module of the package that defines the name.
    """

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return attribute
