"""Add a page of the API reference for each package of `attinfo` to the site.

A hook of MkDocs (`hooks:` in mkdocs.yml). The pages exist only while the site is built: a module
that is added or moved needs no edit here.
"""

from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

LIBRARY = Path("workflow/attinfo")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the pages at the end of the navigation."""
    pages = [{title: f"api/{name}.md"} for name, title, _ in packages(root(config))]
    config.nav = [*(config.nav or []), {"API": ["api/index.md", *pages]}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and an index of them."""
    index = ["# API reference", "", "One page for each package of the library.", ""]
    for name, title, modules in packages(root(config)):
        text = "\n\n".join([f"# {title}", *(f"::: {module}" for module in modules)])
        files.append(File.generated(config, f"api/{name}.md", content=text + "\n"))
        index.append(f"- [`{title}`]({name}.md)")
    files.append(File.generated(config, "api/index.md", content="\n".join(index) + "\n"))
    return files


def root(config: MkDocsConfig) -> Path:
    """The root of the repository."""
    return Path(config.docs_dir).parent


def packages(repository: Path) -> Iterator[tuple[str, str, list[str]]]:
    """File name, title and modules of each package; the flat modules come last."""
    library = repository / LIBRARY
    order = list(library.iterdir())
    for folder in sorted(path for path in order if (path / "__init__.py").is_file()):
        modules = [module(library, path) for path in sorted(folder.rglob("*.py"))]
        yield folder.name, f"attinfo.{folder.name}", modules
    flat = [module(library, path) for path in sorted(library.glob("*.py")) if path.stem[0] != "_"]
    yield "modules", "attinfo", flat


def module(library: Path, path: Path) -> str:
    """The dotted name of a file of the library."""
    parts = path.relative_to(library).with_suffix("").parts
    return ".".join(["attinfo", *(part for part in parts if part != "__init__")])
