"""Fill the blocks of pages with numbers.

A block stands between `<!-- numbers: NAME -->` and `<!-- end of numbers -->`. Its template is
docs/tools/blocks/NAME.md. `<!-- numbers: NAME WORD -->` gives the template a word, as `word`.
"""

from collections.abc import Iterator
from pathlib import Path
import re
from textwrap import fill
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

DOCS = Path(__file__).parents[2]
ROOT = DOCS.parent
BLOCK = re.compile(r"(<!-- numbers: (\w+)(?: (\w+))? -->\n).*?(<!-- end of numbers -->)", re.DOTALL)
WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
LINE = 100  # longest line of a paragraph


def template(name: str, numbers: dict[str, Any], word: str | None = None) -> str:
    """A block of prose: paragraphs, tables and pictures with blank lines between them.

    Args:
        name: of the template.
        numbers: of docs/numbers.json.
        word: that the block gives.
    """
    environment = Environment(
        loader=FileSystemLoader(DOCS / "tools/blocks"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["word"] = lambda n: WORDS[n] if n < len(WORDS) else f"{n:,}"
    environment.filters["signed"] = signed
    environment.filters["percent"] = lambda share: f"{100 * share:.0f} %"
    environment.filters["ratio"] = lambda text: f"{float(text.split('×')[0]):,.3g}"
    environment.filters["interval"] = interval
    text = environment.get_template(f"{name}.md").render(numbers | {"word": word}).strip()
    parts = (part.strip() for part in re.split(r"\n\s*\n", text))
    return "\n\n".join(_wrapped(part) for part in parts) + "\n" * bool(text)


def _wrapped(part: str) -> str:
    """A paragraph in lines; a table or a picture as it is."""
    return part if part.startswith(("|", "![")) else fill(" ".join(part.split()), LINE)


def signed(value: float | None, digits: int = 3) -> str:
    """A number with its sign; a dash where it is not known."""
    return "–" if value is None else f"{value:+.{digits}f}".replace("-", "−")


def interval(row: dict[str, Any], digits: int = 3, sign: bool = True) -> str:
    """An estimate with its interval: `+0.310 [+0.250, +0.370]`; without it if it is not known."""
    values = [row[name] for name in ("estimate", "ci_low", "ci_high")]
    if values[0] is None:
        return "–"
    form = f"{'+' if sign else ''}.{digits}f"
    estimate, low, high = (None if own is None else f"{own:{form}}" for own in values)
    words = estimate if low is None or high is None else f"{estimate} [{low}, {high}]"
    return str(words).replace("-", "−")


def pages() -> Iterator[Path]:
    """The files that may have blocks."""
    yield ROOT / "README.md"
    yield from sorted(path for path in DOCS.rglob("*.md") if "tools" not in path.parts)


def rendered(path: Path, numbers: dict[str, Any]) -> str:
    """The text of a page, its blocks filled."""
    return BLOCK.sub(
        lambda block: block[1] + template(block[2], numbers, block[3]) + block[4],
        path.read_text("utf-8"),
    )
