"""README.md and docs/: statements are true, links lead to existing pages, and examples run."""

from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
import importlib
import json
import os
from pathlib import Path
import pkgutil
import re
import subprocess
import sys
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pandas as pd
from project import ROOT
import pytest
from test_config_reference import default_config, merged
import yaml

from attinfo.config.study import Study

DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "results/README.md",
    *sorted(path for path in DOCS.rglob("*.md") if "tools" not in path.parts),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PLACES = "tests|workflow|studies|docs|envs|profiles|benchmarks"
NAMED = re.compile(rf"`((?:{PLACES})/[\w./-]+|[\w.]+\.(?:yaml|txt|yml))`")
MADE_BY_A_USER = {"lexicon.csv"}


@cache
def tool(name: str) -> ModuleType:
    """A script of docs/tools as a module."""
    sys.path.insert(0, str(DOCS / "tools"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


def prose(text: str) -> str:
    """A page without its code."""
    return FENCE.sub("", text)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=PAGES, ids=name_of)
def page(request: pytest.FixtureRequest) -> Path:
    return request.param


# README


def test_the_readme_has_at_most_1300_words() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 1300


def test_the_readme_tells_things_in_the_order_of_a_newcomer() -> None:
    headings = re.findall(r"^##? (.+)$", prose((ROOT / "README.md").read_text("utf-8")), re.M)
    assert headings == [
        "When do attention weights explain a text classifier?",
        "Install and run",
        "What you get",
        "Your own data",
        "Your own model",
        "Your own states",
        "The five claims",
        "Limits",
        "Links",
    ]


@pytest.mark.parametrize("path", ["README.md", "docs/own_states.md"])
def test_the_first_example_of_an_estimate_runs(path: str) -> None:
    code = [body for kind, body in FENCE.findall((ROOT / path).read_text("utf-8")) if kind]
    example = next(body for body in code if "estimate(" in body)
    found = {}
    exec(example, found)
    assert found["found"].floor_upper < found["found"].mi_nats < found["found"].h_output


def study_files() -> Iterator[tuple[str, str]]:
    """Every study file that a page shows whole."""
    for path in PAGES:
        for kind, body in FENCE.findall(path.read_text("utf-8")):
            if kind == "yaml" and "study:" in body:
                yield name_of(path), body


@pytest.mark.parametrize(("path", "body"), list(study_files()))
def test_study_files_in_the_docs_are_valid(path: str, body: str) -> None:
    Study.checked(merged(default_config(), yaml.safe_load(body)))


# Pages that are made, and numbers in prose


def test_pages_made_from_code_are_up_to_date() -> None:
    for path, text in tool("refresh").generated().items():
        assert path.read_text("utf-8") == text, "run `python docs/tools/refresh.py`"


def test_numbers_in_prose_are_those_of_the_results_file(page: Path) -> None:
    numbers = json.loads((DOCS / "numbers.json").read_text("utf-8"))
    assert tool("prose.pages").rendered(page, numbers) == page.read_text("utf-8")


def test_the_results_file_has_the_numbers_of_the_tables() -> None:
    module, numbers = tool("prose.numbers"), json.loads((DOCS / "numbers.json").read_text("utf-8"))
    assert numbers["power"] == module.power()
    assert numbers["benchmarks"] == module.benchmarks()
    assert numbers["jain_wallace"] == module.jain_wallace()
    assert numbers["audit"] == module.audit()
    assert numbers["findings"] == module.findings(), "run `python docs/tools/refresh.py`"


def test_the_site_lists_the_findings_if_there_are_any() -> None:
    listed = "- findings.md\n" in (ROOT / "mkdocs.yml").read_text("utf-8")
    assert listed == (DOCS / "findings.md").is_file() == (DOCS / "findings/paper").is_dir()


def test_the_numbers_of_jain_and_wallace_are_theirs_and_each_that_ours_miss_has_a_cause() -> None:
    names = ["dataset", "encoder", "attention", "statistic"]
    found = pd.read_csv(DOCS / "findings/jain_wallace.csv")
    theirs = pd.read_csv(ROOT / "studies/jain_wallace.csv").set_index(names)["published"]
    assert set(map(tuple, found[names].to_numpy())) <= set(theirs.index)
    own = found[found["change"].isna()].set_index(names)
    assert not own.index.has_duplicates and set(own.index) == set(theirs.index)
    pd.testing.assert_series_equal(own["theirs"], theirs[own.index], check_names=False)
    missed = (own["theirs"] < own["low"]) | (own["theirs"] > own["high"])
    assert (own["cause"].notna() == missed).all()


def test_the_results_file_has_the_numbers_of_the_default_study() -> None:
    folder = ROOT / "results/default"
    if not (folder / "report.html").is_file():
        pytest.skip("the default study was not run here")
    numbers = json.loads((DOCS / "numbers.json").read_text("utf-8"))["study"]
    found = tool("prose.numbers").study(folder)
    for key in ("runs", "seeds", "cells", "claims"):
        assert found[key] == numbers[key], "run `python docs/tools/refresh.py results/default`"


def test_no_result_is_typed_by_hand_into_the_readme() -> None:
    text = prose((ROOT / "README.md").read_text("utf-8"))
    text = tool("prose.pages").BLOCK.sub("", text)
    text = re.sub(r"\]\([^)]*\)|`[^`]*`", "", text)
    assert set(re.findall(r"\d+\.\d+|\d+ ?%", text)) == {"3.11"}  # of Python


def test_every_block_of_numbers_has_its_template_and_every_template_its_block() -> None:
    block, frames = tool("prose.pages").BLOCK, (DOCS / "tools/pages").glob("*.md")
    texts = [path.read_text("utf-8") for path in (*PAGES, *frames)]
    used = {name for text in texts for _, name, *_ in block.findall(text)}
    assert used == {path.stem for path in (DOCS / "tools/blocks").glob("*.md")}


# Links, paths and commands


def anchors(path: Path) -> set[str]:
    """The anchors of the headings of a Markdown page."""
    found = re.findall(r"^#+ (.+)$", prose(path.read_text("utf-8")), re.M)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in found]
    return {heading.strip().replace(" ", "-") for heading in plain}


def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page.read_text("utf-8"))):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https", link
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if target.parent == DOCS / "api":  # made when the site is built
            assert target.stem in {"index", "modules"} or package(target.stem), link
            continue
        assert target.exists(), link
        if parts.fragment:
            assert parts.fragment in anchors(target), link


def package(name: str) -> bool:
    return (ROOT / "workflow/attinfo" / name / "__init__.py").is_file()


def test_files_that_a_page_names_exist(page: Path) -> None:
    for name in NAMED.findall(page.read_text("utf-8")):
        if "mine" not in name and name not in MADE_BY_A_USER:
            assert (ROOT / name).exists(), name


def test_modules_that_a_page_runs_or_links_exist(page: Path) -> None:
    for name in re.findall(r"python -m ([\w.]+)|`(attinfo(?:\.\w+)+)`", page.read_text("utf-8")):
        found = next(filter(None, name))
        if found.startswith("attinfo"):
            assert pkgutil.resolve_name(found), found
        else:
            assert ROOT.joinpath(*found.split(".")).with_suffix(".py").is_file(), found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it."""
    if not os.environ.get("CI"):
        pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


class Html(HTMLParser):
    """The ids and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.ids.add(value)
            if name in ("href", "src") and value:
                self.links.add(value)


@pytest.mark.slow
def test_every_internal_link_and_anchor_of_the_site_leads_somewhere(site: Path) -> None:
    pages = {path: Html(path.read_text("utf-8")) for path in site.rglob("*.html")}
    broken = []
    for path, parsed in pages.items():
        if path.name == "404.html":  # its links start at the root of a server
            continue
        for link in parsed.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            known = pages[target].ids if target in pages else set()
            fragment = unquote(parts.fragment)
            if not target.is_file() or (fragment and fragment not in known):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert len(pages) > 40
    assert not broken, broken[:20]


@pytest.mark.slow
def test_the_site_has_the_docstring_of_estimate_and_every_package(site: Path) -> None:
    assert "Mutual information I(H; Y)" in (site / "api/information/index.html").read_text("utf-8")
    for init in (ROOT / "workflow/attinfo").glob("*/__init__.py"):
        assert (site / "api" / init.parent.name / "index.html").is_file()
