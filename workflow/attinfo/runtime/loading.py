"""Loading a class or function by name, so that a job depends only on the blocks that it uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any


@cache
def load(path: str) -> Any:
    """The class or function at "package.module:name"."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True)
class Chosen:
    """A building block that a run has.

    Attributes:
        name: registered name of the block.
        path: of its class or function, as "package.module:name".
        options: all its options.
    """

    name: str
    path: str
    options: Mapping[str, Any]

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Chosen":
        """The block of the plain values `name`, `path` and `options`, as a job is given them."""
        return cls(plain["name"], plain["path"], plain["options"])

    def load(self) -> Any:
        """The class or function."""
        return load(self.path)
