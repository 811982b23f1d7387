"""A measure, statistics, a conclusion and a figure, each added by a file and a registration."""

import json
import os
from pathlib import Path
from shutil import copytree
import subprocess
import sys

import pandas as pd
from project import ROOT
import pytest

FILES = {
    "explain/measures/negated.py": '''
        """A measure with the order of attention and a negative sign."""
        def negated(model, texts, states, seed):
            return -states.attention
    ''',
    "agreement/gamma.py": '''
        """A rank statistic."""
        import numpy as np
        def gamma(compared):
            pairs = compared.pairs
            i, j = pairs.names.index("attention"), pairs.names.index(compared.name)
            with np.errstate(invalid="ignore"):
                return pairs.agree[i, j] / pairs.ordered[i, j]
    ''',
    "claims/declared/lengths.py": '''
        """A conclusion that claims an equivalence."""
        from attinfo.claims.contrast import TRAINED, Conclusion, Contrast, both, versus
        SIDES = versus("length", both("attention == 'additive'", TRAINED),
                       both("attention == 'scaled_dot'", TRAINED))
        CONCLUSION = Conclusion(
            statement="Scorers read texts of one length",
            question="Do scorers read texts of one length?",
            finding="Additive attention reads texts that are {effect}.",
            more="longer", less="shorter", unit=" words",
            declared=(Contrast("length: additive as scaled dot", SIDES, ("encoder",), margin=1,
                               primary=True),
                      Contrast("length by gap: additive as scaled dot", SIDES, margin=2)),
        )
    ''',
    "figures/families/lengths.py": '''
        """A figure."""
        from attinfo.figures.drawing import Drawing
        from attinfo.figures.style import panels
        def lengths(tables):
            figure, axes = panels(1, 1, 1)
            axes[0, 0].plot(tables.runs["length"])
            return Drawing(figure, tables.runs[["length"]], "The lengths of texts.")
    ''',
}
REGISTRATIONS = {
    "blocks/measures.py": (
        "MEASURES = registry(",
        'Measure(name="negated", path="attinfo.explain.measures.negated:negated", '
        'summary="Negated", label="minus attention", signed=True),',
    ),
    "agreement/rank_statistics.py": (
        "RANK_STATISTICS = {",
        '"gamma": RankStatistic("Goodman and Kruskal\'s γ", gamma, "γ"),',
    ),
    "claims/run_statistics.py": (
        "STATISTICS: dict[str, Statistic] = {",
        '"length": mean("words of a text", "tokens", ranked=3, main=True, '
        'shown={MODEL_TABLE: "words of a text"}),',
    ),
    "claims/conclusions.py": (
        '("combinations", combinations.CONCLUSION),',
        '("lengths", lengths.CONCLUSION),',
    ),
    "figures/catalogue.py": (
        "FIGURES = {",
        '"lengths": Figure("How long texts are", "blocks", '
        'f"{_FAMILIES}.lengths:lengths", overall=True),',
    ),
}
IMPORTS = {
    "agreement/rank_statistics.py": "from attinfo.agreement.gamma import gamma\n",
    "claims/conclusions.py": "from attinfo.claims.declared import lengths\n",
}
STUDY = """
import json, sys
from pathlib import Path
import pandas as pd
from figure_tables import write_study
from small_study import run_small_study, write_odd
from attinfo.blocks.measures import MEASURES
from attinfo.claims.across_studies import compare_claims, compare_cells, read_studies
from attinfo.figures.catalogue import FIGURES
from attinfo.figures.distributions import COLUMNS
from attinfo.figures.families.comparison import comparison
from attinfo.figures.tables import Tables
from attinfo.keys import RUN
from attinfo.report.page import page, render

folder = Path(sys.argv[1])
cells = {"encoder": "mlp", "attention": ["additive", "scaled_dot"], "normaliser": "softmax"}
measures = {"measures": [*MEASURES]}
content = run_small_study(
    folder, write_odd(folder / "own.csv"), cells, seeds=2, importance=measures)
for name, table in content["tables"].items():
    table.to_csv(folder / f"{name}.csv", index=False)
(folder / "page.html").write_text(render(page(**content)), "utf-8")
own = {name: content["tables"][name] for name in Tables._fields if name in content["tables"]}
empty = {"learning": RUN, "distributions": [*RUN, *COLUMNS]}
tables = Tables(**own, **{name: pd.DataFrame(columns=c) for name, c in empty.items()})
drawn = {name: FIGURES[name].draw(tables) for name in ("verdicts", "measures", "lengths")}
studies = read_studies([write_study(folder / name, tables, name) for name in ("one", "other")])
claims = compare_claims(studies)
shown = {
    "captions": {name: drawing.caption for name, drawing in drawn.items()},
    "words": {
        name: [text.get_text() for axes in drawing.figure.axes
               for text in (*axes.texts, *axes.get_yticklabels())]
        for name, drawing in drawn.items()
    },
    "comparison": comparison(claims, 0.95).caption,
    "compared": sorted(set(compare_cells(studies)["statistic"])),
}
(folder / "shown.json").write_text(json.dumps(shown), "utf-8")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What a small study makes with a copy of the library to which all of these were added."""
    folder = tmp_path_factory.mktemp("extended")
    library = folder / "workflow/attinfo"
    copytree(ROOT / "workflow/attinfo", library, ignore=lambda *_: ["__pycache__"])
    for name, text in FILES.items():
        lines = text.strip("\n").split("\n")
        (library / name).write_text(
            "\n".join(line.removeprefix(" " * 8) for line in lines), "utf-8"
        )
    for name, (after, entry) in REGISTRATIONS.items():
        text = (library / name).read_text("utf-8")
        assert text.count(after) == 1
        text = text.replace(after, f"{after}\n{entry}\n")
        own = IMPORTS.get(name, "")
        (library / name).write_text(text.replace("\nfrom ", f"\n{own}from ", 1), "utf-8")
    paths = os.pathsep.join([str(library.parent), str(ROOT / "tests")])
    environment = os.environ | {"PYTHONPATH": paths}
    command = [sys.executable, "-c", STUDY, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def shown(folder: Path) -> dict:
    return json.loads((folder / "shown.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / "page.html").read_text("utf-8")


def test_a_signed_measure_is_ranked_by_its_size_in_tables_page_and_figure(folder, shown, html):
    cells = pd.read_csv(folder / "cells.csv").set_index("statistic")["estimate"]
    # The negated weights have the reverse order; without their sign they have that of attention.
    assert cells.loc["tau_negated"].to_numpy() == pytest.approx(1, abs=0.01)
    assert "plausibility_negated" in cells.index
    rows = pd.read_csv(folder / "agreement.csv")
    assert {"attention~negated", "linear_gain~negated"} <= set(rows["pair"])
    assert "minus attention" in shown["words"]["measures"]
    assert "most with minus attention, +1.00" in shown["captions"]["measures"]
    assert html.count("minus attention") > 10  # in a table, and in the strips of words


def test_a_statistic_is_in_cells_ranks_variance_comparison_and_page(folder, shown, html):
    cells = pd.read_csv(folder / "cells.csv")
    runs = pd.read_csv(folder / "runs.csv")
    length = cells.loc[cells["statistic"] == "length", "estimate"]
    assert length.to_numpy() == pytest.approx(runs["length"].iloc[0]) and length.iloc[0] > 5
    assert "length" in set(pd.read_csv(folder / "ranks.csv")["statistic"])
    assert "length" in set(pd.read_csv(folder / "variance.csv")["statistic"])
    assert "length" in shown["compared"]
    assert '<th scope="col" class="n">words of a text</th>' in html


def test_a_rank_statistic_is_in_agreement_cells_and_page(folder, html):
    rows = pd.read_csv(folder / "agreement.csv")
    assert set(rows.loc[rows["statistic"] == "gamma", "pair"]) >= {"attention~linear_gain"}
    assert "gamma_gain" in set(pd.read_csv(folder / "cells.csv")["statistic"])
    assert '<th scope="col" class="n">γ</th>' in html


def test_a_sixth_conclusion_is_judged_worded_drawn_and_compared(folder, shown, html):
    claims = pd.read_csv(folder / "claims.csv")
    own = claims[claims["claim"] == "vi"]
    assert list(own["role"]) == ["primary", "secondary"]
    primary = own.iloc[0]
    assert primary["verdict"] == "equivalent" and primary["p_holm"] >= primary["p"]
    tested = claims[claims["p_holm"].notna()]
    assert set(tested["claim"]) >= {"i", "vi"}  # adjusted together
    assert 'id="conclusion-vi"' in html and "Do scorers read texts of one length?" in html
    assert "Yes, within the margin" in html and "Of the 6 conclusions" in html
    assert "(vi) length: additive as scaled dot: equivalent" in shown["words"]["verdicts"]
    assert "Equivalent: (vi)" in shown["captions"]["verdicts"]
    assert (
        "(vi) +0.000" in shown["comparison"] and "Still equivalent in other" in shown["comparison"]
    )


def test_a_figure_has_its_place_on_the_page(shown, html):
    assert shown["captions"]["lengths"] == "The lengths of texts."
    assert 'id="figure-lengths"' in html and "<h3>How long texts are</h3>" in html
