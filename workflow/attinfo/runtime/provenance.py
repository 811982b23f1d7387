"""Provenance of a result: digests of the code, versions of packages, and the machine."""

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
import json
from pathlib import Path
import platform
import subprocess
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT.name


def _module_files(name: str) -> list[Path]:
    """The files that importing `name` executes: the module and its parent packages.

    A folder of the package that holds no modules counts with all its files.
    """
    parts = name.split(".")[1:]
    folder = ROOT.joinpath(*parts)
    files = []
    if folder.is_dir() and not (folder / "__init__.py").exists():
        files = [path for path in folder.rglob("*") if path.is_file()]
    for depth in range(len(parts) + 1):
        stem = ROOT.joinpath(*parts[:depth])
        for candidate in (stem / "__init__.py", stem.with_suffix(".py")):
            if candidate.is_file():
                files.append(candidate)
    return files


@cache
def _imported(source: Path) -> frozenset[Path]:
    if source.suffix != ".py":
        return frozenset()
    files: set[Path] = set()
    todo: list[ast.AST] = [ast.parse(source.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            todo += node.orelse  # what only a type checker reads is not executed
            continue
        todo += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from attinfo.models import attention` may name a module or an object in one.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] == PACKAGE:
                files.update(_module_files(name))
    return frozenset(files)


def sources(script: str | Path, modules: Iterable[str] = ()) -> list[str]:
    """List a script, the library modules that it imports, directly or not, and all of theirs.

    The text is read by `ast`: nothing is imported. Relative imports are not followed, and neither
    are modules that are imported by their name; name those in `modules`.

    Args:
        script: path of the script.
        modules: import paths of library modules that the script loads by name, for instance
            `attinfo.models.scorers.additive`, or of a folder of data files.

    Returns:
        The paths, sorted.

    Raises:
        ModuleNotFoundError: the library has no module of a name in `modules`.
    """
    seen: set[Path] = set()
    todo = {Path(script)}
    for name in modules:
        if not (found := _module_files(name)) or not _is_module(name):
            raise ModuleNotFoundError(f"no module '{name}' in {PACKAGE}")
        todo.update(found)
    while todo:
        source = todo.pop()
        seen.add(source)
        todo |= _imported(source) - seen
    return sorted(str(path) for path in seen)


def _is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split(".")[1:])
    return place.is_dir() or place.with_suffix(".py").is_file()


@cache
def code(script: str | Path, modules: tuple[str, ...] = ()) -> dict[str, str]:
    """Digests of all the code that a job runs, one for each folder of the library.

    Args:
        script: path of the job's script.
        modules: see `sources`.

    Returns:
        `script` and the names of folders (`attinfo` for the modules that stand in none) -> the
        first 12 digits of the sha256 of the contents of their files.
    """
    folders: dict[str, list[str]] = {}
    for path in sources(script, modules):
        inside = Path(path).is_relative_to(ROOT)
        parts = Path(path).relative_to(ROOT).parts if inside else ()
        folder = "script" if not inside else parts[0] if len(parts) > 1 else PACKAGE
        folders.setdefault(folder, []).append(path)
    return {folder: digest(paths)[:12] for folder, paths in sorted(folders.items())}


def digest(paths: Iterable[str | Path]) -> str:
    """The sha256 of the contents of files, in the order given."""
    return sha256(b"\0".join(Path(path).read_bytes() for path in paths)).hexdigest()


def fingerprint(code: Mapping[str, str]) -> str:
    """One sha256 for the digests of `code`."""
    return sha256(json.dumps(dict(code), sort_keys=True).encode()).hexdigest()


def _commit() -> str | None:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def describe(code: Mapping[str, str], packages: Iterable[str]) -> dict[str, Any]:
    """Describe what makes a result, for its `run.json`.

    Args:
        code: digests, as the function `code` returns them.
        packages: names of installed packages whose versions are recorded.
    """
    return {
        "code_sha256": fingerprint(code),
        "commit": _commit(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
        "host": platform.node(),
        "machine": f"{platform.system()} {platform.machine()}",
    }
