"""Common names of columns, classes and splits in tables. Standard library only."""

from collections.abc import Collection, Iterable
import re
import unicodedata

PARTS = ("train", "dev", "test")
SPELLINGS: dict[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "devel", "development", "val", "valid", "validation"), "dev"),
    **dict.fromkeys(("test", "testing"), "test"),
}
INVISIBLE = "\ufeff\u200b\u2060"  # byte order mark, zero-width blank, word joiner
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")
BETWEEN_WORDS = re.compile(r"(?<=\w)[\s_-]+(?=\w)")  # the sign of "-1" stands before a word
WRITTEN_OBJECT = re.compile(
    r"""b'.*'|b".*"|\[\s*(['"]).*\1\s*\]|\[[\d.,\s-]*\]|\{\s*(['"]).*\}|(array|Series)\(.*\)""",
    re.DOTALL,
)


def shown(value: str) -> str:
    """A value as messages show it: on one line and of at most 60 characters."""
    line = " ".join(value.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


def bare(value: str) -> str:
    """A name without blanks and invisible characters around it.

    >>> bare("\\ufeff label\\xa0")
    'label'
    """
    before = None
    while value != before:
        before, value = value, value.strip().strip(INVISIBLE)
    return value


def text_key(text: str) -> str:
    """What equal texts have in common: all but case and the blanks around them."""
    return text.strip().casefold()


def alike(value: str) -> str:
    """What near-identical names have in common.

    Case, Unicode compatibility forms, invisible characters, the way in which a number is written,
    and what stands between words do not count.

    >>> alike("Very_Good") == alike("very  good"), alike("1.0") == alike("1")
    (True, True)
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    folded = BETWEEN_WORDS.sub(" ", bare(folded.translate(dict.fromkeys(map(ord, INVISIBLE)))))
    return repr(float(folded)) if NUMBER.fullmatch(folded) else folded


def near_identical(names: Iterable[str]) -> list[str] | None:
    """The first names, in sorted order, that differ only in how one name is written."""
    groups: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        groups.setdefault(alike(name), []).append(name)
    return next((group for group in groups.values() if len(group) > 1), None)


def part_of(value: str) -> str | None:
    """train, dev or test for a spelling of it, else None."""
    return SPELLINGS.get(bare(value).lower())


def spellings() -> str:
    """The recognised names of splits, for messages."""
    parts = (", ".join(name for name, of in SPELLINGS.items() if of == part) for part in PARTS)
    return "; ".join(f"{part}: {names}" for part, names in zip(PARTS, parts, strict=True))


def look_like_splits(values: Collection[str]) -> bool:
    """Whether all values are names of splits, and of two splits at least."""
    found = {part_of(value) for value in values}
    return None not in found and len(found) > 1


def is_written_object(value: str) -> bool:
    """Whether a text is how Python or NumPy prints bytes, a list, a dict or an array."""
    return WRITTEN_OBJECT.fullmatch(value.strip()) is not None
