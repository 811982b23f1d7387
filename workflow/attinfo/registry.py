"""What each registry offers, read from the source text, so that torch is not imported for it.

A registry is a module-level dictionary from the config's name to a class or function, such as
`ENCODERS` in models/encoders.py. Its keyword-only arguments are the options a config may set
(an annotation `Literal[...]` names the texts that one may be); the first line of its docstring is
its description in the README.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from attinfo.errors import unknown
from attinfo.models.variants import VARIANTS

REGISTRIES = {
    "source": ("data/sources.py", "SOURCES"),
    "encoder": ("models/encoders.py", "ENCODERS"),
    "attention": ("models/attention.py", "SCORERS"),
    "normaliser": ("models/attention.py", "NORMALISERS"),
    "estimator": ("information/estimators.py", "ESTIMATORS"),
    "continuous estimator": ("information/estimators.py", "CONTINUOUS"),
    "task": ("information/tasks.py", "TASKS"),
}
REQUIRED = object()  # the default of an option that has none


@dataclass(frozen=True)
class Entry:
    """One registered name: what it is, its options with their defaults, and their choices."""

    summary: str
    options: dict[str, Any]
    choices: dict[str, tuple[str, ...]]


def _definitions(file: Path) -> dict[str, ast.ClassDef | ast.FunctionDef]:
    """Classes and functions by their names in `file`: its own, and those it imports from us."""
    found: dict[str, ast.ClassDef | ast.FunctionDef] = {}
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("attinfo."):
            other = Path(__file__).parent.joinpath(*node.module.split(".")[1:]).with_suffix(".py")
            if other.is_file():
                there = _definitions(other)
                for alias in node.names:
                    if alias.name in there:
                        found[alias.asname or alias.name] = there[alias.name]
    return found


def _entry(node: ast.ClassDef | ast.FunctionDef) -> Entry:
    function: ast.stmt | None = node
    if isinstance(node, ast.ClassDef):
        named = {f.name: f for f in node.body if isinstance(f, ast.FunctionDef)}
        function = named.get("__init__")
    options, choices = {}, {}
    if isinstance(function, ast.FunctionDef):
        arguments = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        for argument, default in arguments:
            options[argument.arg] = REQUIRED if default is None else ast.literal_eval(default)
            match argument.annotation:
                case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple() as values):
                    choices[argument.arg] = ast.literal_eval(values)
    return Entry((ast.get_docstring(node) or "").split("\n")[0], options, choices)


@cache
def entries(kind: str) -> dict[str, Entry]:
    """The registered names of a kind, in the order of the source."""
    file, registry = REGISTRIES[kind]
    path = Path(__file__).parent / file
    definitions = _definitions(path)
    for node in ast.parse(path.read_text("utf-8")).body:
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == registry
            and isinstance(node.value, ast.Dict)
        ):
            pairs = zip(node.value.keys, node.value.values, strict=True)
            return {
                ast.literal_eval(name): _entry(definitions[ast.unparse(value)])
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


def _expected(default: Any, value: Any, choices: tuple[str, ...] = ()) -> str | None:
    """What an option should be, from its default and choices; None where the value is that."""
    if choices:
        return None if value in choices else f"one of {', '.join(choices)}"
    if isinstance(default, tuple):
        fits = isinstance(value, list | tuple) and len(value) > 0
        fits = fits and not any(_expected(default[0], item) for item in value)
        return None if fits else "a list of positive whole numbers"
    if isinstance(default, int | float):
        kind, word = (int, "whole number") if isinstance(default, int) else (int | float, "number")
        fits = isinstance(value, kind) and not isinstance(value, bool) and value > 0
        return None if fits else f"a positive {word}"
    return None if isinstance(value, str) and value else "a text"


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
        expected = _expected(known[option], value, entry.choices.get(option, ()))
        if expected:
            raise ValueError(
                f"option '{option}' of {kind} '{name}' is {value!r}, expected {expected}"
            )
    missing = [o for o, default in known.items() if default is REQUIRED and o not in options]
    if missing:
        raise ValueError(f"{kind} '{name}' needs the option '{missing[0]}'")
    defaults = {o: list(d) if isinstance(d, tuple) else d for o, d in known.items()}
    return {**defaults, **options}


def parse_normaliser(text: str) -> tuple[str, float]:
    """`gumbel_softmax@0.5` -> ("gumbel_softmax", 0.5); the temperature is 1 where none is given.

    Raises:
        ValueError: the normaliser is unknown, or the temperature is not a number above 0.
    """
    name, at, temperature = text.partition("@")
    check_name("normaliser", name)
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
    lines += [f"| variant | `{name}` | {v.summary} |  |" for name, v in VARIANTS.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(blocks())
