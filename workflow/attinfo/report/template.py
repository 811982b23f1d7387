"""The templates of the page and of what stands beside it."""

from functools import cache
import re

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("attinfo.report"),
        autoescape=True,  # text is data, in HTML and in SVG
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"minus": minus, "value": value}
    return environment


def value(number: float) -> str:
    """A number to three decimals."""
    return "–" if number != number else minus(f"{number:.3f}").replace("−0.000", "0.000")


def minus(text: str) -> str:
    """Negative numbers in a text with a true minus sign."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)


def template(name: str) -> Template:
    """A template by its file name; what it is given and does not escape must be `Markup`."""
    return _environment().get_template(name)
