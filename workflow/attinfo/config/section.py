"""The base class of the sections of a config."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from attinfo.runtime.errors import unknown


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
