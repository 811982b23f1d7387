"""The templates of the page and of the strips."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from attinfo.labels import minus


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("attinfo.report"),
        autoescape=True,  # in HTML and in SVG
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"minus": minus, "value": value}
    return environment


def value(number: float) -> str:
    """Write a number with three decimals; a dash for NaN."""
    return "–" if number != number else minus(f"{number:.3f}").replace("−0.000", "0.000")


def template(name: str) -> Template:
    """Load a template by its file name. It escapes everything that is not `Markup`."""
    return _environment().get_template(name)
