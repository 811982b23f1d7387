"""The pictures of the README: made by a rule, and a clear line where a program is missing."""

from pathlib import Path

from chromium import need
from PIL import Image
from project import ROOT, snakemake
import pytest

from attinfo.report.pictures import HEIGHT, WIDTH, picture_of_page, picture_of_rules
from attinfo.runtime.errors import InputError

GRAPH = 'digraph rules { 0[label = "all", color = "0.1 0.6 0.8"]; 1[label = "a"]; 1 -> 0 }'


def test_a_missing_program_is_one_line_that_names_its_package(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"^tred: not found, .* \(package graphviz\)$"):
        picture_of_rules(GRAPH, tmp_path / "rules.png")
    with pytest.raises(InputError, match=r"^chromium: not found, .* \(package chromium\)$"):
        picture_of_page(tmp_path / "page.html", tmp_path / "page.png")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_is_drawn_and_nonsense_is_refused(tmp_path):
    need("dot")
    picture_of_rules(GRAPH, tmp_path / "rules.png")
    assert Image.open(tmp_path / "rules.png").width > 50
    with pytest.raises(InputError, match=r"^tred: |^dot: "):
        picture_of_rules("no graph", tmp_path / "none.png")


def test_the_picture_of_a_page_is_its_top(tmp_path):
    need("chromium")
    page = tmp_path / "page.html"
    page.write_text("<body style='margin: 0; height: 5000px; background: #00f'>")
    picture_of_page(page, tmp_path / "page.png")
    picture = Image.open(tmp_path / "page.png").convert("RGB")
    assert picture.size == (WIDTH, HEIGHT)
    assert picture.getpixel((WIDTH // 2, HEIGHT // 2)) == (0, 0, 255)


def test_the_pictures_are_no_part_of_a_study():
    planned = snakemake(ROOT, "--rulegraph", "dot").stdout
    assert '"report"' in planned and '"pictures"' not in planned


def test_the_pictures_of_the_readme_are_small():
    most = {"report.png": 300_000, "rulegraph.png": 150_000}
    for name, size in most.items():
        assert Path(ROOT, "docs", name).stat().st_size < size
