"""What the page of a study says, and what stands beside it, without a browser."""

from base64 import b64decode
from html.parser import HTMLParser
from io import StringIO
from itertools import product
import re
from time import perf_counter
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from small_study import LABELS, dummy_figures, run_small_study, write_odd

from attinfo.claims.across_data_sets import across, moderators, properties
from attinfo.claims.conclusions import CONCLUSIONS
from attinfo.report.choice import GROUPS
from attinfo.report.figures import IN_ALL, read_figures
from attinfo.report.findings import MET, NONE, OPEN, PART, STANDS, Study
from attinfo.report.objections import QUESTIONS, replies
from attinfo.report.page import page, render, tables_of
from attinfo.report.strips import Strip, svg
from attinfo.report.tables.base import MOST_ROWS, Table
from attinfo.report.tables.training import enough_sentence, enough_table
from attinfo.report.verdict_text import MISSING, WORDS, answers, headline
from attinfo.runtime.cost import Cost, costs

NO_CURVE = pd.DataFrame({"claim": [], "same_sign": [], "called": []})
ONE = {"encoder": "mlp", "attention": "additive", "normaliser": "softmax"}


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """What the page of a study of one model is made of; its texts are odd."""
    folder = tmp_path_factory.mktemp("one")
    drawn = {"measures": ["gradient", "integrated_gradients", "leave_one_out"], "texts": 60}
    return run_small_study(folder, write_odd(folder / "own.csv"), ONE, seeds=1, importance=drawn)


@pytest.fixture(scope="module")
def html(content):
    return render(page(**content))


class Anchors(HTMLParser):
    """Where links within a page lead, and what there is to lead to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links, self.ids = set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if (attrs.get("href") or "").startswith("#"):
            self.links.add(attrs["href"][1:])
        if "id" in attrs:
            self.ids.append(attrs["id"])


def test_every_link_within_the_page_leads_somewhere(html):
    found = Anchors(html)
    assert len(found.links) > 20
    assert found.links <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_a_study_of_one_model_says_what_it_cannot_say_and_why(html):
    assert "Of the 5 conclusions 1 is not settled and 4 are not asked." in html
    assert "This study has no models to compare" in html
    assert "Not measured by this study" in html and "It has no ablations" in html
    assert "one seed, so it shows nothing about retrained models" in html
    assert "Not shown: There are no such runs" in html


NAN = re.compile(r"[\s+−>-]nan\b")


def test_a_study_of_ablations_alone_says_no_number_that_it_has_not(tmp_path):
    cells = ONE | {"variant": "frozen_scorer"}
    content = run_small_study(tmp_path, write_odd(tmp_path / "own.csv"), cells, seeds=1)
    html = render(page(**content))
    assert not NAN.search(html)
    assert "no trained models of the same cells as its ablations" in html


def test_a_study_without_a_trained_model_has_a_page_too(tmp_path):
    cells = ONE | {"variant": "uniform"}
    content = run_small_study(tmp_path, write_odd(tmp_path / "own.csv"), cells, seeds=1)
    html = render(page(**content))
    assert "All of them are ablations" in html
    assert "This study has no models to test any of the 5 conclusions on." in html
    assert "no text in which both attention and information have an order" in html
    assert not NAN.search(html)
    tables = tables_of(*(content[k] for k in ("tables", "summaries", "costs", "records", "level")))
    for name in ("verdicts", "agreement"):
        assert r"\end{tabular}" in tables[name].latex


@pytest.mark.parametrize("verdict", ["supported", "contradicted", "undetermined"])
def test_an_answer_says_verdict_direction_size_and_interval(verdict):
    sign = {"supported": 1, "contradicted": -1, "undetermined": 1}[verdict]
    low, high = (-0.1, 0.4) if verdict == "undetermined" else sorted((sign * 0.05, sign * 0.25))
    row = {"role": "primary", "dataset": "all", "n": 3, "note": "", "reason": "Because."}
    numbers = {"estimate": sign * 0.15, "ci_low": low, "ci_high": high, "verdict": verdict}
    numbers |= {"p": 0.01, "p_joint": 0.01, "about": ""}
    claims = pd.DataFrame([row | numbers | {"claim": "i", "contrast": "a above b"}])
    (found,) = answers(claims, NO_CURVE, 0.95)
    assert found.answer == WORDS[verdict].answer
    assert f"15.0 percentage points {'less' if sign < 0 else 'more'}" in found.sentence
    ends = {"supported": "5.0 more to 25.0 more", "contradicted": "25.0 less to 5.0 less"}
    assert f"95% interval: {ends.get(verdict, '10.0 less to 40.0 more')}" in found.sentence
    assert ("The data fit both directions" in found.sentence) == (verdict == "undetermined")
    assert found.sentence.startswith("Estimate: ") == (verdict == "undetermined")


def test_the_headline_counts_the_verdicts(content):
    claims = content["tables"]["claims"].query("role == 'primary'").assign(n=3, estimate=0.1)
    claims["verdict"] = ["supported", "supported", *["undetermined"] * 2, "contradicted"]
    said = headline(answers(claims, NO_CURVE, 0.95))
    assert said == ("Of the 5 conclusions 2 hold here, 1 is contradicted and 2 are not settled.")
    for verdict, words in WORDS.items():
        same = claims.assign(verdict=verdict, n=0 if verdict == MISSING else 3)
        assert headline(answers(same, NO_CURVE, 0.95)) == words.all.format(total=len(CONCLUSIONS))


def test_an_undetermined_result_is_never_worded_as_sameness(content):
    claims = content["tables"]["claims"].query("role == 'primary'")
    claims = claims.assign(n=3, estimate=1e-6, ci_low=-0.2, ci_high=0.2, verdict="undetermined")
    claims["note"] = ""
    for answer in answers(claims, NO_CURVE, 0.95):
        assert answer.answer == "Not settled" and answer.sentence.startswith("Estimate: ")
        assert not re.search(r"\bno (more|less)\b|\bas (much|often)\b", answer.sentence)
        assert "The data fit both directions" in answer.sentence


def test_a_reviewer_is_answered_in_the_numbers_of_the_study(content):
    study = Study(content["tables"], content["summaries"], content["config"])
    found = replies(QUESTIONS, study, {"contents": "contents", "agreement-table": "here"})
    assert len(found) == len(QUESTIONS)
    said = {reply.objection: reply for reply in found}
    ties = next(reply for objection, reply in said.items() if objection.startswith("Ties"))
    assert ties.outcome == MET and ties.place == "here"
    rows = content["tables"]["agreement"]
    rows = rows[(rows["index"] == "instance") & (rows["pair"] == "attention~linear_gain")]
    ceiling = rows[rows["statistic"] == "kendall_b"]["ceiling"].mean()
    assert f"{ceiling:.3f} on average" in ties.finding
    seeds = next(reply for objection, reply in said.items() if "replicates" in objection)
    assert seeds.outcome == NONE
    assert {reply.place for reply in found} == {"contents", "here"}


def reply_to(content, part: str, **tables):
    """What the study says to the objection that holds `part`, with other tables."""
    study = Study(content["tables"] | tables, content["summaries"], content["config"])
    found = replies(QUESTIONS, study, {"contents": "contents"})
    return next(reply for reply in found if part in reply.objection)


@pytest.mark.parametrize(
    ("share", "outcome"), [(0.0, PART), (0.3, PART), (0.9, STANDS)]
)  # in part at most, as the control leaves something open
def test_an_objection_stands_where_its_control_finds_it_right(content, share, outcome):
    information = content["tables"]["information"].reset_index(drop=True)
    near = np.arange(len(information)) % 10 < 10 * share
    information = information.assign(mi_over_h=np.where(near, 0.99, 0.3))
    assert reply_to(content, "read the whole text", information=information).outcome == outcome


def test_ties_that_leave_texts_out_count_against_the_study(content):
    agreement = content["tables"]["agreement"].copy()
    for excluded, outcome in ((0, MET), (1, PART), (4, STANDS)):
        agreement["excluded"] = agreement["n"] * excluded / 10
        assert reply_to(content, "Ties", agreement=agreement).outcome == outcome


def test_a_control_that_is_undetermined_settles_nothing(content):
    claims = content["tables"]["claims"].assign(n=3, ci_low=-0.1, ci_high=0.4, estimate=0.15)
    for verdict, outcome in (("undetermined", OPEN), ("supported", MET), ("contradicted", STANDS)):
        reply = reply_to(content, "skewed by definition", claims=claims.assign(verdict=verdict))
        assert reply.outcome == outcome and verdict in reply.finding
    same = claims.assign(verdict="supported")
    assert reply_to(content, "Better models", claims=same).outcome == OPEN
    called = same.assign(ci_low=0.05)
    assert reply_to(content, "Better models", claims=called).outcome == MET
    turned = called.assign(estimate=np.where(claims["role"] == "control", -0.1, 0.1))
    assert reply_to(content, "Better models", claims=turned).outcome == STANDS


def test_models_that_still_learnt_are_counted_and_left_out(content):
    training = content["tables"]["training"].assign(trained_enough=True)
    reply = reply_to(content, "before they had learned", training=training)
    assert reply.outcome == MET and f"0 of {len(training)} runs" in reply.finding
    training.loc[training.index[:1], "trained_enough"] = False
    reply = reply_to(content, "before they had learned", training=training)
    assert reply.outcome == OPEN and "1 of 1 runs" in reply.finding


def test_an_effect_that_turns_under_a_choice_is_an_objection_that_stands(content):
    row = {"claim": "i", "runs": "all", "index": "rank", "estimate": 0.1, "called": True}
    curve = pd.DataFrame([row] * 9 + [row | {"index": "position"}]).assign(same_sign=True)
    question = "other choices"
    assert reply_to(content, question, specifications=curve).outcome == MET
    curve.loc[9, "same_sign"] = False
    part = reply_to(content, question, specifications=curve)
    assert part.outcome == PART and "index: position" in part.finding
    curve.loc[:3, "same_sign"] = False
    assert reply_to(content, question, specifications=curve).outcome == STANDS


def test_every_objection_says_what_its_outcome_depends_on():
    for question in QUESTIONS:
        assert question.rule.startswith(("Met ", "Stands "))


def test_runs_that_were_not_trained_enough_are_counted_by_cell(content):
    training = content["tables"]["training"]
    whole = training.assign(trained_enough=True)
    assert enough_sentence(whole).startswith(f"All {len(training)} run")
    assert enough_table(whole) is None
    several = pd.concat([whole.assign(encoder=e, seed=s) for e in "abc" for s in (1, 2, 3)])
    short = (several["encoder"] == "b") & (several["seed"] > 1)
    several = several.assign(trained_enough=~short, stopped_by="epochs")
    assert enough_sentence(several).startswith("Of 9 runs 2 were not trained enough.")
    (row,) = enough_table(several).frame.to_dict("records")
    assert (row["encoder"], row["runs"], row["not trained enough"]) == ("b", 3, 2)
    assert (row["seeds"], row["stopped by patience"]) == ("2, 3", 0)
    html = render(page(**content | {"tables": content["tables"] | {"training": several}}))
    assert "Of 9 runs 2 were not trained enough." in html and 'id="enough-table"' in html


def test_the_error_of_integrated_gradients_stands_beside_them(content, html):
    assert 'id="completeness-table"' in html
    (own,) = content["tables"]["completeness"].to_dict("records")
    assert (own["measure"], own["texts"]) == ("integrated_gradients", 60)


def test_texts_are_chosen_right_and_wrong_and_of_high_and_low_agreement(content):
    shown = content["shown"]
    assert 4 <= len(shown) <= 8
    order = [f"predicted {'right' if r else 'wrong'}, {a} agreement" for r, a in GROUPS]
    places = [order.index(strip.group) for strip in shown]
    assert places == sorted(places) and len(set(places)) > 1
    for strip in shown:
        assert strip.models[0].right == ("right" in strip.group)
        assert strip.label in LABELS
    high = [s.models[0].tau for s in shown if "high" in s.group]
    low = [s.models[0].tau for s in shown if "low" in s.group]
    assert min(high) > max(low)


def test_texts_are_chosen_among_those_with_values_of_every_measure(content):
    rows = [row for strip in content["shown"] for row in strip.models[0].rows]
    assert "leave-one-out" in {row.label for row in rows}
    assert not any(np.isnan(row.values).any() for row in rows)


def test_the_rows_of_a_strip_are_of_its_words_and_its_lines_hold_each_word_once(content):
    for strip in content["shown"]:
        assert [w for line in strip.lines for w in strip.words[line]] == strip.words
        for row in strip.models[0].rows:
            assert len(row.values) == len(row.shades) == len(strip.words)
            assert max(map(abs, row.shades)) == 1
            assert all(np.sign(v) == np.sign(s) or s == 0
                       for v, s in zip(row.values, row.shades, strict=True))  # fmt: skip
        weights = strip.models[0].rows[0]
        assert weights.label == "attention" and sum(weights.values) == pytest.approx(1, abs=1e-4)


def test_the_picture_of_a_strip_is_a_drawing_with_every_word_as_text(content):
    for strip in content["shown"]:
        odd = strip._replace(words=["\x00\x1b", *strip.words[1:]])  # no XML holds such letters
        root = ElementTree.fromstring(svg(odd))
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert tags == {"svg", "title", "rect", "g", "text"}
        texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert set(strip.words[1:]) <= set(texts)


def test_long_words_of_the_east_take_two_columns_and_lines_stay_short():
    strip = Strip("a", 0, "x", "", "", ["日本語" * 7] * 6, 0, [])
    assert [len(range(line.start, line.stop)) for line in strip.lines] == [2, 2, 2]


TABLE = Table(
    "t",
    "A table",
    pd.DataFrame({"name": ["<b> & 50%_x", "τ"], "effect": [-0.5, np.nan], "low": [-1.0, np.nan],
                  "high": [0.25, np.nan], "share": [0.123, 1.0]}),
    {"effect": "+.2f", "share": ".1%"},
    {"effect": ("low", "high")},
)  # fmt: skip


def test_a_table_shows_rounded_numbers_and_hands_on_whole_ones():
    assert "−0.50 [−1.00, +0.25]" in TABLE.html and "12.3%" in TABLE.html
    assert "&lt;b&gt; &amp; 50%_x" in TABLE.html and "<style" not in TABLE.html
    assert "– [" not in TABLE.html  # no brackets around nothing
    held = b64decode(TABLE.csv.partition(",")[2]).decode()
    pd.testing.assert_frame_equal(pd.read_csv(StringIO(held)), TABLE.frame)


def test_a_table_for_latex_escapes_what_latex_would_read():
    lines = TABLE.latex.splitlines()
    assert r"$<$b$>$ \& 50\%\_x & $-$0.50 [$-$1.00, +0.25] & 12.3\% \\" in lines
    assert r"$\tau$ & -- & 100.0\% \\" in lines
    assert r"\begin{tabular}{lll}" in lines and r"\bottomrule" in lines


def test_a_table_too_long_for_the_page_says_so_and_its_csv_has_all():
    table = Table("t", "Long", pd.DataFrame({"x": np.arange(MOST_ROWS + 100.0)}))
    assert table.html.count("<tr") == MOST_ROWS + 1
    assert table.cut == f"The first {MOST_ROWS} of 300 rows."
    assert b64decode(table.csv.partition(",")[2]).count(b"\n") == MOST_ROWS + 101
    assert table.frame.size and Table("t", "", pd.concat([table.frame] * 500)).csv == ""


def multiplied(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The rows of the only run of a study, or of its cell, once for each of many."""
    shared = cells.columns.intersection(table.columns)
    return cells[shared].drop_duplicates().merge(table.drop(columns=shared), how="cross")


def test_a_study_of_2000_runs_has_a_page_below_10_megabytes_within_a_minute(content, tmp_path):
    datasets = tuple(f"reviews{i}" for i in range(5))
    blocks = {
        "dataset": datasets,
        "encoder": ("bilstm", "gru", "cnn", "mlp"),
        "attention": ("additive", "deep", "scaled_dot", "dot"),
        "normaliser": ("softmax", "gumbel_softmax@0.5", "softmax@0.5", "sparsemax"),
        "seed": range(7),
    }
    runs = pd.DataFrame(list(product(*blocks.values())), columns=list(blocks))
    tables = {name: multiplied(table, runs) for name, table in content["tables"].items()
              if name not in ("claims", "variance", "across", "moderators")}  # fmt: skip
    assert len(tables["runs"]) >= 2000
    small, summary = content["tables"], content["summaries"]["own"]
    each = [small["claims"].assign(dataset=dataset, n=7) for dataset in ("all", *datasets)]
    claims, summaries = pd.concat(each), dict.fromkeys(datasets, summary)
    described = properties(tables["runs"], summaries)
    tables |= {"claims": claims, "variance": small["variance"], "across": across(claims, 0.95)}
    tables |= {"moderators": moderators(claims, described)}
    started = perf_counter()
    figures = read_figures(dummy_figures(tmp_path, datasets, size=350_000), datasets)
    big = {"tables": tables, "summaries": summaries, "figures": figures}
    html = render(page(**content | big))
    assert perf_counter() - started < 60
    assert 1_000_000 < len(html.encode()) < 10_000_000
    assert "the page would be too large. The file is in the results." in html
    assert sum(len(figure.source) for figure in figures) <= IN_ALL
    assert f"The first {MOST_ROWS} of" in html


def test_what_the_stages_cost_is_printed(tmp_path, content):
    for job, seconds in (("a/x", 60), ("a/y", 90), ("b/x", 6)):
        file = tmp_path / f"{job}.tsv"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"s\tmax_rss\n{seconds}\t{'-' if seconds == 6 else seconds}\n")
    found = costs(tmp_path)
    assert found == [Cost("a", 2, 150, 90, 90), Cost("b", 1, 6, 6, 0)]
    html = render(page(**content | {"costs": found}))
    assert "3 jobs took 3 minutes in total" in html
    assert re.search(r">a</td>\s*<td[^>]*>2</td>\s*<td[^>]*>2.50</td>", html)
