"""What each registry offers, read from the source text, so that torch is not imported for it.

A registry is a module-level dictionary from the config's name to a class or function, such as
`ENCODERS` in models/encoders/all.py. Its keyword-only arguments are the options a config may set,
their annotations (builtins and the names of options.py) say what each may be; the first line of
its docstring is its description in the README.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
import json
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from attinfo import option_types
from attinfo.config.variants import VARIANTS, Variant
from attinfo.runtime.errors import expectation, unknown

REGISTRIES = {
    "source": ("data/sources.py", "SOURCES"),
    "encoder": ("models/encoders/all.py", "ENCODERS"),
    "attention": ("models/attention.py", "SCORERS"),
    "normaliser": ("models/attention.py", "NORMALISERS"),
    "estimator": ("information/estimators/registered.py", "ESTIMATORS"),
    "continuous estimator": ("information/estimators/registered.py", "CONTINUOUS"),
    "task": ("information/tasks.py", "TASKS"),
    "variant": ("config/variants.py", "VARIANTS"),
    "importance measure": ("explain/importance.py", "MEASURES"),
}
REQUIRED = object()  # the default of an option that has none


@dataclass(frozen=True)
class Entry:
    """One registered name: what it is, its options with their defaults, and what they may be."""

    summary: str
    options: dict[str, Any]
    types: dict[str, TypeAdapter[Any]]
    requires: str | None = None  # a package that is no dependency of the whole


def _definitions(file: Path) -> dict[str, ast.ClassDef | ast.FunctionDef]:
    """Classes and functions by their names in `file`: its own, and those it imports from us."""
    found: dict[str, ast.ClassDef | ast.FunctionDef] = {}
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("attinfo."):
            other = (
                Path(__file__).parents[1].joinpath(*node.module.split(".")[1:]).with_suffix(".py")
            )
            if other.is_file():
                there = _definitions(other)
                for alias in node.names:
                    if alias.name in there:
                        found[alias.asname or alias.name] = there[alias.name]
    return found


def _function(
    node: ast.ClassDef | ast.FunctionDef, definitions: Mapping[str, ast.ClassDef | ast.FunctionDef]
) -> ast.FunctionDef | None:
    """What takes the options: the function itself, or the `__init__` of a class or its bases."""
    if isinstance(node, ast.FunctionDef):
        return node
    for member in node.body:
        if isinstance(member, ast.FunctionDef) and member.name == "__init__":
            return member
    bases = [definitions[name] for base in node.bases if (name := ast.unparse(base)) in definitions]
    return next((found for base in bases if (found := _function(base, definitions))), None)


def _checker(kind: Any) -> TypeAdapter[Any]:
    """Checks the values of an option. It is strict: `true` and "3" are no numbers."""
    return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))


def _entry(name: str, definitions: Mapping[str, ast.ClassDef | ast.FunctionDef]) -> Entry:
    function = _function(definitions[name], definitions)
    defaults, types = {}, {}
    if function:
        arguments = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        for argument, default in arguments:
            defaults[argument.arg] = REQUIRED if default is None else ast.literal_eval(default)
            annotation = ast.unparse(argument.annotation)  # type: ignore[arg-type]
            # Evaluating is safe: it is our own source text.
            types[argument.arg] = _checker(eval(annotation, dict(vars(option_types))))
    summary = (ast.get_docstring(definitions[name]) or "").split("\n")[0]
    return Entry(summary, defaults, types, _requires(definitions[name]))


def _requires(node: ast.ClassDef | ast.FunctionDef) -> str | None:
    """The class attribute `requires`: a package that only this building block needs."""
    for member in node.body:
        if isinstance(member, ast.Assign) and ast.unparse(member.targets[0]) == "requires":
            return ast.literal_eval(member.value)
    return None


def _variant_entry(variant: Variant) -> Entry:
    types = {f.name: _checker(f.type) for f in fields(variant) if f.name in variant.options}
    return Entry(f"{variant.summary}.", {o: getattr(variant, o) for o in types}, types)


@cache
def entries(kind: str) -> dict[str, Entry]:
    """The registered names of a kind, in the order of the source."""
    if kind == "variant":
        return {name: _variant_entry(variant) for name, variant in VARIANTS.items()}
    file, registry = REGISTRIES[kind]
    path = Path(__file__).parents[1] / file
    definitions = _definitions(path)
    for node in ast.parse(path.read_text("utf-8")).body:
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == registry
            and isinstance(node.value, ast.Dict)
        ):
            pairs = zip(node.value.keys, node.value.values, strict=True)
            return {
                ast.literal_eval(name): _entry(ast.unparse(value), definitions)
                for name, value in pairs
                if name is not None
            }
    raise LookupError(f"no dictionary {registry} in {file}")


def check_name(kind: str, name: str) -> str:
    """`name`, if it is registered.

    Raises:
        ValueError: it is not; the message names the nearest that is.
    """
    if name not in entries(kind):
        raise ValueError(unknown(kind, name, entries(kind)))
    return name


def with_defaults(kind: str, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a registered name, those not given at their defaults.

    Raises:
        ValueError: the name or an option is unknown, one is missing or of another type.
    """
    entry = entries(kind)[check_name(kind, name)]
    known = entry.options
    for option, value in options.items():
        if option not in known:
            raise ValueError(unknown(f"option of {kind} '{name}'", option, known))
        try:
            entry.types[option].validate_json(json.dumps(value))
        except ValidationError as error:
            raise ValueError(
                f"option '{option}' of {kind} '{name}' is {value!r}, "
                f"{expectation(error.errors()[0]['msg'])}"
            ) from None
    missing = [o for o, default in known.items() if default is REQUIRED and o not in options]
    if missing:
        raise ValueError(f"{kind} '{name}' needs the option '{missing[0]}'")
    defaults = {o: list(d) if isinstance(d, tuple) else d for o, d in known.items()}
    return {**defaults, **options}


def parse_normaliser(text: str) -> tuple[str, float]:
    """`gumbel_softmax@0.5` -> ("gumbel_softmax", 0.5); the temperature is 1 where none is given.

    Raises:
        ValueError: the temperature is not a number above 0.
    """
    name, at, temperature = text.partition("@")
    try:
        value = float(temperature if at else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"'{text}': the temperature is '{temperature}', expected a number above 0")
    return name, value


def normaliser_name(name: str, temperature: float) -> str:
    """The one spelling of a normaliser at a temperature, as in paths and tables."""
    return name if temperature == 1 else f"{name}@{repr(temperature).removesuffix('.0')}"


def blocks() -> str:
    """Every registered name with its summary and options, as a Markdown table."""
    lines = ["| kind | name | what it is | options |", "|---|---|---|---|"]
    for kind in REGISTRIES:
        for name, entry in entries(kind).items():
            options = ", ".join(f"`{option}`" for option in entry.options)
            lines.append(f"| {kind} | `{name}` | {entry.summary.rstrip('.')} | {options} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(blocks())
