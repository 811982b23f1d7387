"""Decoding of the bytes of a text file, which must be UTF-8. Standard library only."""

import codecs

HEAD = 4096  # bytes in which an encoding without a mark is sought
MARKS = {  # those of UTF-32 first: that of UTF-16 is the beginning of one of them
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
LINE_BREAKS = {
    b"\n\0\0\0": "UTF-32",
    b"\0\0\0\n": "UTF-32",
    b"\n\0": "UTF-16",
    b"\0\n": "UTF-16",
}
MOST_ACCENTS = 0.25  # share of bytes beyond ASCII in a text of Western Europe


class NotATable(Exception):
    """What is wrong with the content of a file, without the file's name."""


def decoded(content: bytes) -> str:
    """The text of UTF-8, without its byte order mark.

    Raises:
        NotATable: it is in another encoding; the message names it where it can be seen.
    """
    if (found := _wide(content)) is not None:
        raise NotATable(f"line 1: the file is in {found}, expected UTF-8; save the file as UTF-8")
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotATable(
            f"byte {error.start} (line {line}) is 0x{content[error.start]:02x}, which is not "
            f"UTF-8; the file looks like {_narrow(content)}; save the file as UTF-8"
        ) from None


def _wide(content: bytes) -> str | None:
    """UTF-16 or UTF-32, if the bytes are that."""
    for mark, name in MARKS.items():
        if content.startswith(mark):
            return name
    head = content[:HEAD]
    if b"\0" not in head:
        return None
    for line_break, name in LINE_BREAKS.items():
        size = len(line_break)
        places = [i for i in range(len(head)) if head.startswith(line_break, i)]
        aligned = places and all(i % size == 0 for i in places)
        # NUL is a character of UTF-8 too, but seldom stands beside most line breaks.
        if aligned and 2 * len(places) >= head.count(b"\n") and _is_text(head, line_break, size):
            return name
    return None


def _is_text(head: bytes, line_break: bytes, size: int) -> bool:
    order = "le" if line_break.startswith(b"\n") else "be"
    try:
        text = head[: len(head) // size * size].decode(f"utf-{8 * size}-{order}", "strict")
    except UnicodeDecodeError as error:
        if error.end < len(head) - size:  # not the half of a pair at the end of the head
            return False
        text = head[: error.start].decode(f"utf-{8 * size}-{order}")
    return all(character.isprintable() or character in "\t\r\n\ufeff" for character in text)


def _narrow(content: bytes) -> str:
    """What bytes that are not UTF-8 look like."""
    head = content[: 64 * HEAD]
    beyond = sum(byte > 127 for byte in head) / len(head)
    if beyond > MOST_ACCENTS:
        return "an older encoding of its language, such as GB18030, Shift-JIS or Windows-1251"
    if any(0x80 <= byte <= 0x9F for byte in head):
        return "Windows-1252 (Latin-1 with typographic quotes)"
    return "Latin-1 (ISO-8859-1)"
