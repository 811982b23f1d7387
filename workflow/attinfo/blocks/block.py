"""What is said of a building block: its name, its code, its options, and what is true of it.

A block is described without importing its code, so that reading a config imports neither torch
nor pandas. Each kind of block has a file in this folder with a dictionary from the name that a
config uses to the description. The config's checks, the tables, the figures and the documentation
are derived from these dictionaries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from attinfo.runtime.errors import expectation, unknown
from attinfo.runtime.loading import load


class Options(BaseModel):
    """The options of a block. A block without options has this class itself.

    Validation is strict: `true` and `"3"` are no numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class Block:
    """The description of a building block.

    Attributes:
        name: in a config, in tables and in paths.
        path: of its class or function, as "package.module:name".
        summary: a sentence without its full stop: what the block computes, and the source.
        options: what a config may set; the class or function takes them by keyword.
        label: how figures and tables name the block; by default the name.
        requires: an optional dependency that the block needs, by the name of its package.
    """

    name: str
    path: str
    summary: str
    options: type[Options] = Options
    label: str = ""
    requires: str | None = None

    @property
    def module(self) -> str:
        """The module that defines the block: loading the block imports it."""
        return self.path.partition(":")[0]

    def load(self) -> Any:
        """The class or function of the block."""
        return load(self.path)

    @property
    def fields(self) -> dict[str, FieldInfo]:
        """The options by name, in the order of their declaration."""
        return self.options.model_fields

    def complete(self, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options of the block as plain values, those not given at their defaults.

        Args:
            kind: of the block, for messages.
            given: option -> value.

        Raises:
            ValueError: an option is unknown, one is missing or has a value that it cannot have.
        """
        for option in given:
            if option not in self.fields:
                message = unknown(f"option of {kind} '{self.name}'", option, self.fields)
                raise ValueError(message)
        for option, field in self.fields.items():
            if field.is_required() and option not in given:
                raise ValueError(f"{kind} '{self.name}' needs the option '{option}'")
        try:
            # By way of JSON a list may stand for a tuple; what a config holds is JSON anyway.
            options = self.options.model_validate_json(json.dumps(dict(given)))
        except ValidationError as error:
            first = error.errors()[0]
            option = str(first["loc"][0]) if first["loc"] else ""
            raise ValueError(
                f"option '{option}' of {kind} '{self.name}' is {given.get(option)!r}, "
                f"{expectation(first['msg'])}"
            ) from None
        values = options.model_dump(mode="json")
        return {option: values[option] for option in self.fields}


B = TypeVar("B", bound=Block)


def registry(*blocks: B) -> dict[str, B]:
    """The blocks of a kind by name.

    Raises:
        ValueError: two have one name.
    """
    found: dict[str, B] = {}
    for block in blocks:
        if block.name in found:
            raise ValueError(f"two blocks have the name '{block.name}'")
        found[block.name] = block
    return found
