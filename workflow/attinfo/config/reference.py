"""The documentation page of all config keys, made from the pydantic models of the config.

python -m attinfo.config.reference config.yaml > docs/config_reference.md
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
import sys
from typing import Any

import yaml

from attinfo.blocks.catalogue import KINDS
from attinfo.config.study import Study

INTRODUCTION = """\
# Config reference

Every key that a config may have. A study file says only what differs from `config.yaml`; a key
that neither file sets has its default. Unknown keys and values outside the range are refused
before anything runs.

Where the column *default* holds two values, the first is the default of the key, and the second
the value that `config.yaml` sets. Keys without a default are *required*.

<!-- made by `python docs/tools/refresh.py`, compared by a test -->
"""
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
    "null": "null",
}
LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "multiple of {}",
}
Schema = Mapping[str, Any]


def reference(config: Mapping[str, Any]) -> str:
    """The page as Markdown: one table for each section of a config.

    Args:
        config: the values of `config.yaml`, which are listed beside the defaults.
    """
    schema = Study.model_json_schema()
    parts = [INTRODUCTION]
    for title, section, values in _sections(schema, config):
        parts.append("\n".join(_table(title, section, values, schema["$defs"])))
    parts.append("\n".join(_options()))
    return "\n".join(parts)


def _sections(schema: Schema, config: Mapping[str, Any]) -> Iterator[tuple[str, Schema, Any]]:
    """Title, schema and configured values of the top level and of each section."""
    yield "top level", schema, config
    waiting = list(schema["properties"].items())
    seen = set()
    while waiting:
        name, key = waiting.pop(0)
        for defined in _references(key):
            if defined in seen:
                continue
            seen.add(defined)
            section = schema["$defs"][defined]
            values = config.get(name, {})
            yield name, section, values if isinstance(values, Mapping) else {}
            nested = [(f"{name}.{inner}", k) for inner, k in section["properties"].items()]
            waiting = nested + waiting


def _target(key: Schema) -> str:
    reference: str = key["$ref"]
    return reference.rpartition("/")[2]


def _references(key: Schema) -> Iterator[str]:
    """The sections that a key's values are, or hold."""
    if "$ref" in key:
        yield _target(key)
    for part in ("items", "additionalProperties"):
        if isinstance(key.get(part), Mapping):
            yield from _references(key[part])
    for part in key.get("patternProperties", {}).values():
        yield from _references(part)


def _table(
    title: str, section: Schema, values: Mapping[str, Any], defined: Mapping[str, Any]
) -> Iterator[str]:
    """Heading, description and table of a section."""
    yield f"## {title}\n"
    yield f"{_words(section['description'])} (`{section['title']}`)\n"
    yield "| key | meaning | type and range | default | example |"
    yield "|---|---|---|---|---|"
    required = section.get("required", [])
    for name, key in section["properties"].items():
        default = "required" if name in required else _code(key.get("default"))
        if "$ref" in key and "properties" in defined[_target(key)]:
            default = "that of its keys"
        elif name in values and name not in required and values[name] != key.get("default"):
            default += f"; {_code(values[name])}"
        cells = (
            f"`{name}`",
            key.get("description", ""),
            _kind(key, defined),
            default,
            *(f"`{name}: {_plain(example)}`" for example in key.get("examples", [])[:1]),
        )
        yield f"| {' | '.join(map(_cell, cells))} |"
    yield ""


def _options() -> Iterator[str]:
    """A table of the options of all blocks that have any."""
    yield "## Options of blocks\n"
    yield "Where they stand in a study file: [building blocks](blocks.md).\n"
    yield "| kind | block | option | meaning | type and range | default |"
    yield "|---|---|---|---|---|---|"
    for kind, blocks in KINDS.items():
        for name, block in blocks.items():
            schema = block.options.model_json_schema()
            for option, key in schema.get("properties", {}).items():
                required = option in schema.get("required", [])
                default = "required" if required else _code(key.get("default"))
                meaning, of = key.get("description", ""), _kind(key, schema.get("$defs", {}))
                cells = (kind, f"`{name}`", f"`{option}`", meaning, of, default)
                yield f"| {' | '.join(map(_cell, cells))} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _kind(key: Schema, defined: Mapping[str, Any]) -> str:
    """Type and range of a key's values, in words."""
    if "$ref" in key:
        name = _target(key)
        return (
            f"section `{name}`" if "properties" in defined[name] else _kind(defined[name], defined)
        )
    if "anyOf" in key:
        return " or ".join(_kind(one, defined) for one in key["anyOf"])
    if "enum" in key:
        return ", ".join(f"`{value}`" for value in key["enum"])
    if "const" in key:
        return f"`{key['const']}`"
    if key.get("type") == "array":
        if "prefixItems" in key:
            kinds = [_kind(one, defined) for one in key["prefixItems"]]
            return f"[{', '.join(kinds)}]"
        least = f"{key['minItems']} or more: " if "minItems" in key else ""
        return f"list of {least}{_kind(key['items'], defined)}"
    if key.get("exclusiveMinimum") == 0 and key["type"] == "integer":
        key = {**key, "minimum": 1, "exclusiveMinimum": None}
    limits = [
        text.format(f"{key[name]:g}") for name, text in LIMITS.items() if key.get(name) is not None
    ]
    if "pattern" in key:
        limits.append("letters, digits, `_`, `.` and `-`")
    inner = list(key.get("patternProperties", {}).values())
    inner += [key["additionalProperties"]] if _described(key.get("additionalProperties")) else []
    kind = TYPES[key["type"]] + (f" of {_kind(inner[0], defined)}" if inner else "")
    return f"{kind}, {', '.join(limits)}" if limits else kind


def _described(schema: Any) -> bool:
    return isinstance(schema, Mapping) and bool(schema)


def _plain(value: Any) -> str:
    """A value as it may stand in a YAML file, on one line."""
    if isinstance(value, str):
        return value
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
    return text.removesuffix("...\n").strip()


def _code(value: Any) -> str:
    return f"`{_plain(value)}`"


def _words(description: str) -> str:
    return " ".join(description.split())


if __name__ == "__main__":
    chosen = yaml.safe_load(Path(sys.argv[1]).read_text("utf-8")) if sys.argv[1:] else {}
    print(reference(chosen), end="")
