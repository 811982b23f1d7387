"""Write everything in README.md and docs/ that is made from code or results.

python docs/tools/refresh.py                     # config reference, blocks, numbers
python docs/tools/refresh.py results/default     # read the numbers of a finished study first
"""

import json
from pathlib import Path
import re
import sys

import dataset_pages
from prose.numbers import NUMBERS, write
from prose.pages import rendered
import yaml

from attinfo.blocks.catalogue import table
from attinfo.config.reference import reference

DOCS = Path(__file__).parents[1]
TABLE = re.compile(r"(?<=<!-- blocks -->\n).*?(?=<!-- end of blocks -->)", re.DOTALL)
FRAME = DOCS / "tools/pages/findings.md"  # the text of docs/findings.md, its blocks not filled


def generated() -> dict[Path, str]:
    """The pages that are made from the code or from a frame, with their text."""
    config = yaml.safe_load((DOCS.parent / "config.yaml").read_text("utf-8"))
    page = DOCS / "blocks.md"
    rows = f"{table()}\n"
    made = {
        DOCS / "config_reference.md": reference(config),
        dataset_pages.PAGE: dataset_pages.page(),
        page: TABLE.sub(lambda _: rows, page.read_text("utf-8")),
    }
    numbers = json.loads(NUMBERS.read_text("utf-8"))
    if numbers["findings"]:
        made[DOCS / "findings.md"] = rendered(FRAME, numbers)
    return made


if __name__ == "__main__":
    write(*sys.argv[1:2])  # first: a frame is filled with its numbers
    for path, text in generated().items():
        path.write_text(text, "utf-8")
