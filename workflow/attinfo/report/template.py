"""The templates of the page and of what stands beside it."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("attinfo"),
        autoescape=True,  # text is data, in HTML and in SVG
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def template(name: str) -> Template:
    """A template by its file name; what it is given and does not escape must be `Markup`."""
    return _environment().get_template(name)
