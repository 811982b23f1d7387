"""The page of a study in a real browser: what a reader sees, and what cannot happen."""

from collections.abc import Iterator
from pathlib import Path

from chromium import axe, chromium, requests, visit
import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from small_study import LABELS, ODD, run_small_study, write_odd

from attinfo.claims.conclusions import CONCLUSIONS
from attinfo.report.page import page, render
from attinfo.report.strips import ROWS

SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """Pages of a study of four cells and two seeds, and of one with one model, of odd texts."""
    softmax = {"normaliser": "softmax"}
    studies = {
        "four": ({"encoder": ["bilstm", "mlp"], "attention": ["additive", "scaled_dot"]}, 2),
        "one": ({"encoder": "mlp", "attention": "additive"}, 1),
    }
    made = {}
    for name, (cells, seeds) in studies.items():
        folder = tmp_path_factory.mktemp(name)
        raw = write_odd(folder / "own.csv")
        content = run_small_study(folder, raw, cells | softmax, seeds)
        made[name] = folder / "report.html"
        made[name].write_text(render(page(**content)), "utf-8")
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as driver:
        yield driver


@pytest.fixture
def opened(browser: Chrome, pages: dict[str, Path]) -> Chrome:
    return visit(browser, pages["four"])


@pytest.mark.parametrize("name", ["four", "one"])
def test_nothing_is_logged_and_no_request_leaves_the_page(browser, pages, name):
    visit(browser, pages[name])
    browser.find_element(By.ID, "numbers").click()
    asked = requests(browser)
    assert pages[name].as_uri() in asked
    outside = [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    assert outside == []
    assert browser.get_log("browser") == []


def test_the_log_of_requests_would_see_one_that_leaves(opened):
    # The policy of the page blocks it, which is logged; without a policy it would be sent.
    opened.execute_script("new Image().src = 'https://example.invalid/x.png'")
    assert any("Content Security Policy" in entry["message"] for entry in opened.get_log("browser"))
    opened.get("about:blank")
    opened.execute_script("new Image().src = 'https://example.invalid/x.png'")
    opened.execute_async_script("setTimeout(arguments[0], 300)")
    assert "https://example.invalid/x.png" in requests(opened)


def column(driver: Chrome, table: str, place: int) -> list[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map((f) => f.textContent.trim())"
    return driver.execute_script(script, f"#{table} tbody td:nth-child({place})")


def test_the_table_of_verdicts_sorts_by_text_and_by_number(opened):
    headings = opened.find_elements(By.CSS_SELECTOR, "#verdict-table thead button")
    names = [heading.text for heading in headings]
    effect = names.index("effect")
    numerals = [f"({conclusion.numeral})" for conclusion in CONCLUSIONS.values()]
    assert column(opened, "verdict-table", 1) == numerals

    def numbers() -> list[float]:
        texts = column(opened, "verdict-table", effect + 1)
        return [float(t.split(" ")[0].replace("−", "-")) for t in texts if t != "–"]

    headings[effect].click()
    assert numbers() == sorted(numbers()) and len(numbers()) >= 2
    assert headings[effect].find_element(By.XPATH, "..").get_attribute("aria-sort") == "ascending"
    headings[effect].click()
    assert numbers() == sorted(numbers(), reverse=True)
    assert column(opened, "verdict-table", effect + 1)[-1] == "–"  # what is missing stays last
    headings[0].click()
    headings[0].click()
    assert column(opened, "verdict-table", 1) == numerals[::-1]


def test_a_long_table_is_filtered_by_words(opened):
    table = opened.find_element(By.ID, "contrast-table")
    table.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys("scaled accuracy")
    rows = table.find_elements(By.CSS_SELECTOR, "tbody tr")
    shown = [row.text for row in rows if row.is_displayed()]
    assert 0 < len(shown) < len(rows)
    assert all("accuracy" in row and "scaled" in row for row in shown)


def test_a_word_shows_what_the_model_says_of_it_when_pointed_at(opened):
    strip = opened.find_element(By.CSS_SELECTOR, ".words")
    field = strip.find_element(By.CSS_SELECTOR, "tbody tr:nth-child(2) td:nth-child(3)")
    tip = opened.find_element(By.CSS_SELECTOR, "[role=tooltip]")
    assert not tip.is_displayed()
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", field)
    ActionChains(opened).move_to_element(field).perform()
    assert tip.is_displayed()
    word = strip.find_element(By.CSS_SELECTOR, "thead th:nth-child(3)").text
    value = field.get_attribute("textContent").strip()
    first, attention, *others = tip.text.split("\n")
    assert (first, attention) == (word, f"attention: {value}")
    assert [line.split(":")[0] for line in others] == list(ROWS.values())[1:]


def test_the_numbers_of_all_words_show_without_pointing(opened):
    number = opened.find_element(By.CSS_SELECTOR, ".words td span")
    assert number.size["width"] <= 1
    opened.find_element(By.ID, "numbers").click()
    assert number.size["width"] > 8 and float(number.text.replace("−", "-")) >= 0


@pytest.mark.parametrize("name", ["four", "one"])
def test_a_page_of_400_pixels_does_not_scroll_sideways(browser, pages, name):
    visit(browser, pages[name], width=400)
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    browser.execute_script("window.scrollTo(500, 0)")
    assert browser.execute_script("return window.scrollX") == 0
    # Nothing is hidden to get there: what is wider than the page scrolls in its own box.
    assert browser.execute_script("return getComputedStyle(document.body).overflowX") == "visible"


def test_every_figure_says_in_words_what_it_shows_or_why_it_is_missing(opened):
    pictures = opened.find_elements(By.TAG_NAME, "img")
    assert len(pictures) > 5
    assert all(len(picture.get_attribute("alt")) > 15 for picture in pictures)
    assert all(opened.execute_script("return arguments[0].naturalWidth", p) for p in pictures)
    missing = opened.find_elements(By.CSS_SELECTOR, "figure:not(.table) .missing")
    assert missing and all("no such runs" in element.text for element in missing)


@pytest.mark.parametrize("name", ["four", "one"])
def test_axe_finds_no_lack_of_contrast_and_nothing_serious(browser, pages, name, request):
    visit(browser, pages[name])
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    browser.find_element(By.ID, "numbers").click()
    # The page's own policy lets no other script in; axe is put there by the driver.
    found = axe(browser, request.config.cache.mkdir("axe"))
    serious = [
        (v["id"], node["html"][:200])
        for v in found
        for node in v["nodes"][:3]
        if v["impact"] in SERIOUS or v["id"] == "color-contrast"
    ]
    assert serious == []


@pytest.mark.parametrize("name", ["four", "one"])
def test_texts_and_labels_are_text_and_run_nothing(browser, pages, name):
    visit(browser, pages[name])
    assert browser.execute_script("return typeof window.ran") == "undefined"
    assert len(browser.find_elements(By.TAG_NAME, "script")) == 1
    assert browser.find_elements(By.CSS_SELECTOR, ".strip script, .strip img, .strip b") == []
    shown = browser.find_element(By.ID, "strips").get_attribute("textContent")
    for odd in ("script", "onerror", "&", '"', "مرحبا", "😀", "{", "]"):
        assert odd in shown
    assert all(label in shown for label in LABELS)
    words = browser.find_elements(By.CSS_SELECTOR, ".words thead bdi")
    assert any(odd in shown for odd in ODD if odd.startswith("<"))  # as they were written
    arabic = [w for w in words if w.get_attribute("textContent") == "مرحبا"]
    style = "return getComputedStyle(arguments[0]).unicodeBidi"
    assert arabic and browser.execute_script(style, arabic[0]) == "isolate"


def test_the_page_reads_without_scripts(browser, pages):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        visit(browser, pages["four"])
        assert len(browser.find_elements(By.CSS_SELECTOR, "#verdict-table tbody tr")) == len(
            CONCLUSIONS
        )
        assert browser.find_elements(By.CSS_SELECTOR, "thead button, input[type=search]") == []
        field = browser.find_element(By.CSS_SELECTOR, ".words tbody td")
        assert "attention" in field.get_attribute("title")
        browser.find_element(By.ID, "numbers").click()
        assert field.find_element(By.TAG_NAME, "span").size["width"] > 8
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_on_paper_nothing_is_cut_or_folded(opened):
    folded = opened.find_element(By.CSS_SELECTOR, ".answers details p, #provenance pre")
    box = opened.find_element(By.CSS_SELECTOR, "#contrast-table .scroll")
    height = "return arguments[0].clientHeight - arguments[0].scrollHeight"
    assert opened.execute_script(height, box) < 0
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert opened.execute_script(height, box) == 0
        visible = "return arguments[0].checkVisibility({contentVisibilityAuto: true})"
        assert opened.execute_script(visible, folded)
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
