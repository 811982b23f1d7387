"""The page of an audit: the answer first, odd words shown and never run, nothing from elsewhere."""

from html.parser import HTMLParser
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from transformers_small import balanced, random_texts, small

from attinfo.audit import stages
from attinfo.audit.answer import without_nan
from attinfo.audit.api import blocks
from attinfo.audit.attend import attend
from attinfo.audit.checkpoints import Checkpoint, read_checkpoints
from attinfo.audit.model import untrained
from attinfo.audit.opened import Found
from attinfo.audit.page import page
from attinfo.audit.results import results
from attinfo.audit.texts import given_texts
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.audited import AuditedModel
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.config.sections.statistics import Statistics
from attinfo.report.page import render

WORDS = [*(f"word{i}" for i in range(10)), "<script>x</script>", "{{7*7}}"]
CLASSES = ('<b>no</b> & "x"', "yes ★")
SECTION = Audit(texts=80, costly_texts=40, head_texts=5, state_words=400)
STATISTICS = Statistics(bootstrap=200)
REMOVAL = Faithfulness(normalised_texts=4, longest=8, beam=1, random_orders=2)


def run(folder: Path, seed: int) -> Path:
    """The files of a checkpoint, as the workflow writes them."""
    model = small("bert", WORDS, CLASSES, seed=seed)
    strings = random_texts(WORDS, 80)
    balanced(model, strings)
    texts = given_texts(strings, [i % 2 for i in range(80)], model, SECTION)
    views = blocks("attention view", SECTION.views, SECTION)
    attended = attend(model, texts.encoded, views, texts.drawn, SECTION.state_words)
    other = attend(untrained(model, 1), texts.encoded, views, texts.drawn)
    own = blocks("audit measure", SECTION.measures, SECTION)
    both = {one.name: stages.measure(model, texts, one) for one in own}
    measures = {name: values for name, (values, _) in both.items()}
    information, gains = stages.information(model, texts, attended, 19, 1)
    found = Found(attended, other, measures, gains)
    agreed = stages.agree(texts, *found, SECTION, STATISTICS)
    heads = stages.heads_of(attended)
    removal, of_heads = stages.remove(model, texts, agreed, heads, SECTION, REMOVAL)
    lexicon = pd.DataFrame({"word": ["word1", "word2"], "value": ["2", "-2"]})
    made = results(
        texts,
        model.classes,
        found,
        removal,
        of_heads,
        SECTION,
        STATISTICS,
        (lexicon, {"name": "own", "least": 1.0}),
        {"texts": 4, "seed": 1},
        {name: total for name, (_, total) in both.items()},
    )
    folder.mkdir(parents=True)
    for name, content in made.items():
        if isinstance(content, pd.DataFrame):
            content.to_csv(folder / f"{name}.csv", index=False)
        else:
            text = json.dumps(without_nan(content), allow_nan=False)
            (folder / f"{name}.json").write_text(text, "utf-8")
    information.to_csv(folder / "information.csv", index=False)
    stages.text_table(texts, attended, model.classes).to_parquet(folder / "texts.parquet")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Checkpoint], Path]:
    folder = tmp_path_factory.mktemp("audit")
    folders = [run(folder / f"mine/{seed}", seed) for seed in (1, 2)]
    model = AuditedModel(model=["a", "b"], dataset="own", texts="all")
    checkpoints = read_checkpoints(folders)
    options = {
        "study": "own",
        "models": {"mine": model.model_dump(mode="json")},
        "audit": SECTION.model_dump(mode="json"),
        "faithfulness": REMOVAL.model_dump(mode="json"),
        "statistics": STATISTICS.model_dump(mode="json"),
    }
    content, answers = page(checkpoints, options, [], "0" * 64, folder / "figures")
    assert set(answers["checkpoint"]) == {1, 2}
    return render(content, "audit.html.j2"), checkpoints, folder / "figures"


class Seen(HTMLParser):
    """Tags, and addresses that a browser would ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.asked += [str(v) for k, v in attrs if k == "src" and not str(v).startswith("data:")]


def test_the_answer_stands_before_everything_else(made: tuple[str, list, Path]) -> None:
    text = made[0]
    assert text.index("For this model, on these texts") < text.index("The rules behind the answer")
    assert text.index('class="badge"') < text.index("<table>")


def test_odd_names_are_shown_and_never_run(made: tuple[str, list, Path]) -> None:
    seen = Seen()
    seen.feed(made[0])
    assert seen.tags.count("script") == 1 and "b" not in seen.tags and not seen.asked
    assert "&lt;b&gt;no&lt;/b&gt;" in made[0]


def test_checkpoints_have_an_interval_over_them(made: tuple[str, list, Path]) -> None:
    text, checkpoints, _ = made
    mean = np.mean([one.answers[0].tau for one in checkpoints])
    assert "Checkpoints of this model" in text and "retraining" in text
    assert f"{mean:+.2f}".replace("-", "−") in text


def test_every_figure_is_written_and_none_is_empty(made: tuple[str, list, Path]) -> None:
    figures = sorted(path.stem for path in (made[2] / "mine").glob("*.svg"))
    assert figures == ["gaps", "information", "maps", "orders", "removal"]
    for name in figures:
        table = pd.read_csv(made[2] / f"mine/{name}.csv")
        assert len(table) and (made[2] / f"mine/{name}.rst").stat().st_size > 50


def test_tables_of_the_page_hold_every_view_and_control(made: tuple[str, list, Path]) -> None:
    for name in ("rollout", "flow", "received attention", "rare words first", "weights permuted"):
        assert name in made[0]
