"""What a result was made from: first-party sources, their digest, versions, machine."""

import ast
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
import platform
import subprocess
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT.name


def _module_files(name: str) -> list[Path]:
    """The files that importing `name` executes: the module and its parent packages."""
    parts = name.split(".")[1:]
    files = []
    for depth in range(len(parts) + 1):
        stem = ROOT.joinpath(*parts[:depth])
        for candidate in (stem / "__init__.py", stem.with_suffix(".py")):
            if candidate.is_file():
                files.append(candidate)
    return files


def _imported(source: Path) -> set[Path]:
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
    return files


def sources(script: str | Path) -> list[str]:
    """`script` and every first-party file it imports, directly or not, sorted.

    Read from the text by `ast`, so nothing is imported; relative and dynamic imports are not
    followed, and the library uses neither.
    """
    script = Path(script)
    seen: set[Path] = set()
    todo = {script}
    while todo:
        source = todo.pop()
        seen.add(source)
        todo |= _imported(source) - seen
    return sorted(str(path) for path in seen)


def digest(paths: list[str]) -> str:
    """One sha256 over the contents of the files, in the order given."""
    return sha256(b"\0".join(Path(path).read_bytes() for path in paths)).hexdigest()


def _commit() -> str | None:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def describe(code: list[str], packages: tuple[str, ...]) -> dict[str, Any]:
    """Code digest, commit, package versions and machine, for a `run.json`."""
    return {
        "code_sha256": digest(code),
        "commit": _commit(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
        "host": platform.node(),
        "machine": f"{platform.system()} {platform.machine()}",
    }
