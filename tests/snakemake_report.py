"""The archive that `snakemake --report` makes."""

import json
from pathlib import Path
from zipfile import ZipFile


def page_of(archive: Path) -> str:
    """The page in it; `data/` holds what it shows."""
    with ZipFile(archive) as files:
        (page,) = (n for n in files.namelist() if n.endswith("report.html") and "data/" not in n)
        return files.read(page).decode()


def check_captions(archive: Path, figures: Path) -> None:
    """Every figure has its caption, which is the study's own: its first words will do."""
    page, captions = page_of(archive), list(figures.rglob("*.rst"))
    assert captions
    for path in captions:
        start = path.read_text("utf-8").strip().split(",")[0]
        assert json.dumps(start).strip('"') in page
