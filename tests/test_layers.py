"""The library's folders: imports go one way, along the data, and nothing imports in a circle."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import attinfo

LIBRARY = Path(attinfo.__file__).parent
ORDER = (
    *("runtime", "blocks", "config", "data", "models", "training", "states", "information"),
    *("explain", "agreement", "statistics", "claims", "figures", "report", "audit"),
)
SHARED = {"option_types", "keys", "labels", "entropy"}  # small modules that any folder may import
MOST_MODULES = 6  # that stand flat in the library
FILES = sorted(LIBRARY.rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    return ".".join(parts).removesuffix("__init__").rstrip(".")


MODULES = {module_of(path) for path in FILES}


def imported(path: Path) -> Iterator[str]:
    """The modules of the library that a file imports, those for type checkers left out."""
    todo: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        todo += ast.iter_child_nodes(node)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("attinfo"):
            base = str(node.module).removeprefix("attinfo").lstrip(".")
            names = [f"{base}.{alias.name}".lstrip(".") for alias in node.names]
            yield from (name if name in MODULES else base for name in names)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_module_imports_from_its_own_folder_and_earlier_ones(path: Path) -> None:
    folder, _, rest = module_of(path).partition(".")
    if not rest and folder not in ORDER:  # flat: a command line, or shared
        return
    for name in imported(path):
        other = name.partition(".")[0]
        if other not in SHARED and other:
            assert ORDER.index(other) <= ORDER.index(folder), name


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {module_of(path): set(imported(path)) - {module_of(path)} for path in FILES}
    list(TopologicalSorter(graph).static_order())  # fails at a circle


def test_few_modules_stand_flat() -> None:
    flat = [path.stem for path in LIBRARY.glob("*.py") if path.stem != "__init__"]
    assert len(flat) <= MOST_MODULES, flat
    assert {path.name for path in LIBRARY.iterdir() if (path / "__init__.py").is_file()} == set(
        ORDER
    )
