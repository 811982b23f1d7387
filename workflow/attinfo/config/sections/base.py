"""The base class of the sections of a config, and the types that several of them use."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from attinfo.config.messages import sentence
from attinfo.runtime.errors import unknown

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]  # becomes a folder's name
Fraction = Annotated[float, Field(gt=0, lt=1)]
Blocks = dict[Name, dict[str, Any]]  # name of a building block -> its options
OneOrMore = Annotated[
    list[str],
    BeforeValidator(
        lambda value: [value] if isinstance(value, str) else value,
        json_schema_input_type=str | list[str],
    ),
    Field(min_length=1),
]


def described(default: Any, description: str, example: Any, **limits: Any) -> Any:
    """Declare a key of a section.

    Args:
        default: the default; `...` for a key without a default.
        description: one or two sentences for the documentation.
        example: a value for the documentation.
        limits: arguments of pydantic's `Field`, such as `ge=1`.
    """
    return Field(default, description=description, examples=[example], **limits)


class Section(BaseModel):
    """A part of the config. Unknown keys are an error that gives the most similar known key."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    raise ValueError(unknown("key", key, cls.model_fields))
        return data

    def changed(self, name: str, changes: Mapping[str, Any]) -> Self:
        """A copy of the section with changed keys, checked again.

        Args:
            name: the name of the section, for messages.
            changes: key -> new value.

        Raises:
            ValueError: a key is unknown, or a value is not allowed.
        """
        try:
            return type(self).model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            first = sentence(error.errors()[0]).removeprefix("config: ")
            raise ValueError(f"{name}.{first}") from None
