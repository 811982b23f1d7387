"""The page of an audit: the answer first, odd words shown and never run, nothing from elsewhere."""

from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
import json
from pathlib import Path
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from transformers_small import balanced, random_texts, small

from attinfo.audit import stages
from attinfo.audit.answer import RULES, without_nan
from attinfo.audit.api import blocks
from attinfo.audit.attend import attend
from attinfo.audit.checkpoints import Checkpoint, read_checkpoints
from attinfo.audit.model import untrained
from attinfo.audit.names import JUDGING
from attinfo.audit.opened import Found
from attinfo.audit.page import _left_out, _of_pairs, page
from attinfo.audit.results import plausibility_table, results
from attinfo.audit.texts import given_texts
from attinfo.audit.words import name_of
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.audited import AuditedModel
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.config.sections.statistics import Statistics
from attinfo.report.choice import in_turn
from attinfo.report.page import render

WORDS = [*(f"word{i}" for i in range(10)), "<script>x</script>", "{{7*7}}"]
CLASSES = ('<b>no</b> & "x"', "yes ★")
SECTION = Audit(texts=80, costly_texts=40, head_texts=5, state_words=400)
STATISTICS = Statistics(bootstrap=200)
REMOVAL = Faithfulness(normalised_texts=4, longest=8, beam=1, random_orders=2)


def run(folder: Path, seed: int, query: str | None = None) -> Path:
    """The files of a checkpoint, as the workflow writes them."""
    model = small("bert", WORDS, CLASSES, seed=seed)
    strings = random_texts(WORDS, 80)
    queries = None if query is None else [query] * 80
    balanced(model, strings, queries)
    texts = given_texts(strings, [i % 2 for i in range(80)], model, SECTION, queries)
    views = blocks("attention view", SECTION.views, SECTION)
    attended = attend(model, texts.encoded, views, texts.drawn, SECTION.state_words)
    other = attend(untrained(model, 1), texts.encoded, views, texts.drawn, drawn_only=True)
    own = blocks("audit measure", SECTION.measures, SECTION)
    both = {one.name: stages.measure(model, texts, one) for one in own}
    measures = {name: values for name, (values, _) in both.items()}
    information, gains = stages.information(model, texts, attended, 19, 1)
    found = Found(attended, other.views, measures, gains)
    agreed = stages.agree(texts, *found, SECTION, STATISTICS)
    heads = stages.heads_of(attended)
    removal, of_heads = stages.remove(model, texts, agreed, heads, SECTION, REMOVAL)
    lexicon = pd.DataFrame({"Term": ["word1", "word2", "word3"], "V": ["7", "3", "5.5"]})
    made = results(
        texts,
        model.classes,
        found,
        removal,
        of_heads,
        SECTION,
        STATISTICS,
        (lexicon, {"name": "own", "least": 1.0, "word": "Term", "value": "V", "middle": 5.0}),
        {"texts": 3, "seed": 1},
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
    shutil.copytree(folders[1], folder / "mine-1/1")  # a name like those of strips
    checkpoints = read_checkpoints([*folders, folder / "mine-1/1"])
    content, answers = page_of(
        checkpoints, {"mine": ["a", "b"], "mine-1": ["c"]}, folder / "figures"
    )
    assert set(answers["checkpoint"]) == {1, 2}
    return content, checkpoints, folder / "figures"


def page_of(
    checkpoints: list[Checkpoint], folders: dict[str, list[str]], figures: Path
) -> tuple[str, pd.DataFrame]:
    """The page about models, whose folders are named, and its table of answers."""
    models = {
        name: AuditedModel(model=own, dataset="own", texts="test").model_dump(mode="json")
        for name, own in folders.items()
    }
    options = {
        "study": "own",
        "models": models,
        "audit": SECTION.model_dump(mode="json"),
        "faithfulness": REMOVAL.model_dump(mode="json"),
        "statistics": STATISTICS.model_dump(mode="json"),
    }
    content, answers = page(checkpoints, options, [], "0" * 64, figures)
    return render(content, "audit.html.j2"), answers


class Seen(HTMLParser):
    """Tags, and addresses that a browser would ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asked: list[str] = []
        self.ids: list[str] = []
        self.anchors: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [str(value) for key, value in attrs if key == "id"]
        self.anchors += [str(v)[1:] for k, v in attrs if k == "href" and str(v).startswith("#")]
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


def test_ids_are_unique_on_a_page_of_several_models_and_anchors_lead_to_them(
    made: tuple[str, list, Path],
) -> None:
    seen = Seen()
    seen.feed(made[0])
    assert [name for name, count in Counter(seen.ids).items() if count > 1] == []
    assert set(seen.anchors) <= set(seen.ids) and {"numbers", "answers-mine"} <= set(seen.ids)


def test_checkpoints_have_an_interval_over_them(made: tuple[str, list, Path]) -> None:
    text, checkpoints, _ = made
    mean = np.mean([one.answers[0].tau for one in checkpoints if one.model == "mine"])
    assert "Checkpoints of this model" in text and "2 checkpoints were audited" in text
    assert f"{mean:+.2f}".replace("-", "−") in text


def test_every_figure_is_written_and_none_is_empty(made: tuple[str, list, Path]) -> None:
    figures = sorted(path.stem for path in (made[2] / "mine").glob("*.svg"))
    assert figures == ["gaps", "information", "maps", "orders", "removal"]
    for name in figures:
        table = pd.read_csv(made[2] / f"mine/{name}.csv")
        assert len(table) and (made[2] / f"mine/{name}.rst").stat().st_size > 50


def table_of(text: str, name: str) -> pd.DataFrame:
    """A table of the page by its id."""
    figure = text[text.index(f'<figure class="table" id="{name}"') :]
    rows = re.findall(r"<tr.*?</tr>", figure[: figure.index("</table>")], re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return pd.DataFrame(cells[1:], columns=cells[0])


def test_tables_of_the_page_hold_every_view_and_control(made: tuple[str, list, Path]) -> None:
    chosen = {name_of(own.column) for own in made[1][0].answers}
    assert len(chosen) == len(SECTION.views)
    answers = table_of(made[0], "answers-mine")
    assert set(answers["view"]) == chosen
    agreement = table_of(made[0], "agreement-mine").set_index("order")["kind"]
    assert set(agreement.index[agreement == "view"]) == chosen
    controls = {"first words first", "last words first", "rare words first", "weights permuted"}
    untrained = {f"{name}, untrained" for name in chosen}
    random = {"a head drawn at random"}
    assert set(agreement.index[agreement == "control"]) == controls | untrained | random


def test_no_text_is_shown_twice_and_none_is_too_many(made: tuple[str, list, Path]) -> None:
    for one in made[1]:
        numbers = [strip["number"] for strip in one.strips]
        assert len(numbers) == len(set(numbers)) == 3
    assert "of the audited texts, label" in made[0]


def test_texts_of_equal_agreement_are_drawn_once_each() -> None:
    tau, right = np.full(6, 0.5), np.array([True] * 4 + [False] * 2)
    found = in_turn(tau, right, np.ones(6, bool), 10, np.random.default_rng(0))
    assert sorted(found) == list(range(6))
    assert all(is_right == right[text] for text, (is_right, _) in found.items())
    assert len(in_turn(tau, right, np.ones(6, bool), 3, np.random.default_rng(0))) == 3
    assert in_turn(tau, right, np.zeros(6, bool), 3, np.random.default_rng(0)) == {}


def test_plausibility_reads_a_lexicon_with_its_options() -> None:
    """Words of a lexicon with columns and a middle of its own, and AUC by counting pairs."""
    model = small("bert", WORDS)
    texts = given_texts(random_texts(WORDS, 60), ["no", "yes"] * 30, model, Audit())
    values = np.random.default_rng(0).normal(size=int(texts.encoded.offsets[-1]))
    agreed = SimpleNamespace(orderings={"own": values})
    lexicon = pd.DataFrame({"Term": ["word1", "word2", "word3"], "V": ["7", "3", "5.5"]})
    options = {"name": "own", "least": 1.0, "word": "Term", "value": "V", "middle": 5.0}
    (row,) = plausibility_table(texts, agreed, (lexicon, options), STATISTICS).itertuples()
    areas = []
    for text in np.flatnonzero(texts.half == JUDGING):
        own = values[slice(*texts.encoded.offsets[text : text + 2])]
        rated = np.array([word in ("word1", "word2") for word in texts.words(text)])
        if rated.any() and not rated.all():
            areas.append(np.mean(own[rated][:, None] > own[~rated]))
    assert (row.n, row.estimate) == (len(areas), pytest.approx(np.mean(areas)))


def test_views_measures_and_rules_without_numbers_are_named(made: tuple[str, list, Path]) -> None:
    first = made[1][0]
    audit = SECTION.model_dump()
    assert _left_out(first, audit) == []
    agreement = first.tables["agreement"]
    tables = {**first.tables, "agreement": agreement[agreement["measure"] != "mask_one_out"]}
    kept = [own for own in first.answers if own.view != "value_norm"]
    criteria = tuple(replace(one, n=0) for one in kept[0].criteria[:1]) + kept[0].criteria[1:]
    kept[0] = replace(kept[0], criteria=criteria)
    found = _left_out(first._replace(answers=kept, tables=tables), audit)
    names = "value norms of one layer and mask-one-out"
    assert found[0] == f"Without values for this model, and left out: {names}."
    assert len(found) == 2 and RULES["beats_controls"] in found[1]


def test_the_query_stands_above_each_text_and_is_never_run(
    made: tuple[str, list, Path], tmp_path: Path
) -> None:
    checkpoints = read_checkpoints([run(tmp_path / "mine/1", 1, "<b>who</b> & {{7*7}} <script>?")])
    text, _ = page_of(checkpoints, {"mine": ["a"]}, tmp_path / "figures")
    shown = (
        "<strong>Query:</strong> <bdi>&lt;b&gt;who&lt;/b&gt; &amp; {{7*7}} &lt;script&gt;?</bdi>"
    )
    assert text.count(shown) == 3 == len(checkpoints[0].strips)
    seen = Seen()
    seen.feed(text)
    assert seen.tags.count("script") == 1 and "b" not in seen.tags and not seen.asked
    for drawn in (tmp_path / "figures/mine/strips").glob("*.svg"):
        assert "Query: &lt;b&gt;who" in drawn.read_text("utf-8")
    assert " pairs of text and query of" in text and "<dt>query</dt>" in text
    assert "The model reads the text first, then the query." in text
    share = checkpoints[0].tables["columns"].groupby("view")["query"].mean()["cls_head"]
    assert f"{share:.0%} of the classifying token&#39;s attention is on the query." in text
    assert "mark where" not in text
    bare = checkpoints[0].numbers | {"pairs": {"first": "query", "separated": False}}
    first, *_, last = _of_pairs(checkpoints[0]._replace(numbers=bare))
    assert first.startswith("The model reads the query first, then the text.")
    assert last.startswith("The tokeniser puts no subword between the two to mark where the text")
    for word in ("<strong>Query:", "<dt>query</dt>", "on the query"):
        assert word not in made[0]
