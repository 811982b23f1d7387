"""The description of a building block: its name, its code, its options and its properties.

A block is described without importing its code, so that reading a config imports neither torch
nor pandas. Each kind of block has a file in this folder, with a dictionary from the name in a
config to the description. The checks of the config, the tables, the figures and the documentation
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
    """Base class of the options of a block; blocks without options use this class.

    Validation is strict: `true` and `"3"` are not accepted as numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class Block:
    """The description of a building block.

    Attributes:
        name: the name in a config, in tables and in paths.
        path: the path of the class or function, as "package.module:name".
        summary: one sentence without a full stop: what the block computes, and the reference.
        options: the options that a config can set, which the code takes as keyword arguments.
        label: the name in figures and tables; empty for `name`.
        requires: name of an optional package that the block needs; None if there is none.
    """

    name: str
    path: str
    summary: str
    options: type[Options] = Options
    label: str = ""
    requires: str | None = None

    @property
    def module(self) -> str:
        """The module with the code of the block, which `load` imports."""
        return self.path.partition(":")[0]

    def load(self) -> Any:
        """Import the code of the block and return its class or function."""
        return load(self.path)

    @property
    def fields(self) -> dict[str, FieldInfo]:
        """The options by name, in the order of their declaration."""
        return self.options.model_fields

    def complete(self, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Check the given options and add the defaults of the others.

        Args:
            kind: kind of the block, for messages.
            given: option -> value.

        Returns:
            All options as plain values, in the order of their declaration.

        Raises:
            ValueError: an option is unknown, a required one is missing, or a value is not allowed.
        """
        for option in given:
            if option not in self.fields:
                message = unknown(f"option of {kind} '{self.name}'", option, self.fields)
                raise ValueError(message)
        for option, field in self.fields.items():
            if field.is_required() and option not in given:
                raise ValueError(f"{kind} '{self.name}' needs the option '{option}'")
        try:
            # Through JSON, so that a list is accepted for a tuple in spite of strict validation.
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
    """The blocks of one kind by name.

    Raises:
        ValueError: two blocks have the same name.
    """
    by_name: dict[str, B] = {}
    for block in blocks:
        if block.name in by_name:
            raise ValueError(f"two blocks have the name '{block.name}', expected different names")
        by_name[block.name] = block
    return by_name
