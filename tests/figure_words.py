"""Whether the words in a figure can be read."""

from itertools import combinations

from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from attinfo.figures.style import CONTRAST, applied, contrast


def words_of(figure: Figure) -> list[Text]:
    """All text that is drawn: ticks beyond the ends of an axis have labels too, which are not."""
    words = [*figure.texts, *(text for one in figure.legends for text in one.findobj(Text))]
    for axes in figure.axes:
        words += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            ends = sorted((low, high))
            for tick in axis.get_major_ticks():
                if tick.label1.get_visible() and ends[0] <= tick.get_loc() <= ends[1]:
                    words.append(tick.label1)
    return words


def check_words(figure: Figure) -> None:
    """No text is cut off, lies on another, or is too pale."""
    with applied():
        figure.draw_without_rendering()
    page = figure.bbox.padded(1)
    texts = [t for t in words_of(figure) if t.get_visible() and t.get_text().strip()]
    boxes = {t: t.get_window_extent() for t in texts}
    for text, box in boxes.items():
        assert contrast(to_hex(text.get_color())) >= CONTRAST
        inside = page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        assert inside, text.get_text()
    for one, other in combinations(boxes, 2):
        if one.get_rotation() % 90 == other.get_rotation() % 90 == 0:  # else boxes say too much
            shared = boxes[one].padded(-1).overlaps(boxes[other].padded(-1))
            assert not shared, f"{one.get_text()} / {other.get_text()}"
