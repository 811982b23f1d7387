"""Figures: what they show is in their table, what they say is in the study's numbers."""

from itertools import combinations
from pathlib import Path
import warnings
from xml.etree import ElementTree

from docutils.core import publish_doctree
from docutils.nodes import paragraph, system_message
from figure_tables import simulated, write_study
from figure_words import check_words
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Rectangle, StepPatch
import numpy as np
import pandas as pd
import pytest

from attinfo.claims.run_statistics import STATISTICS
from attinfo.figures.captions import shared
from attinfo.figures.catalogue import FIGURES, SECTIONS, drawn, is_missing, place
from attinfo.figures.drawing import Drawing, compact, draw_all, save
from attinfo.figures.style import (
    CONTRAST,
    VERDICT_COLOURS,
    applied,
    contrast,
    in_order,
    ink_of,
    looks,
    palette,
)
from attinfo.figures.tables import Tables, read_tables
from attinfo.labels import label_of
from attinfo.runtime.errors import InputError

DEFAULT = simulated()
ONE = simulated(
    encoders=("bilstm",),
    attentions=("additive",),
    normalisers=("softmax",),
    variants=(),
    seeds=1,
    units=3,
)
SEVERAL = simulated(
    datasets=("reviews", "ag_news", "a_data_set_with_a_long_name"),
    encoders=("bilstm", "cnn", "mlp", "transformer", "gru"),
    attentions=("additive", "deep", "scaled_dot", "dot", "an_attention_of_ones_own"),
    normalisers=("softmax", "gumbel_softmax@0.5", "softmax@0.5", "sparsemax"),
)
every_figure = pytest.mark.parametrize("name", FIGURES)


@pytest.fixture(scope="module")
def default() -> dict[str, Drawing]:
    return {name: kind.draw(tables_of(name, DEFAULT)) for name, kind in FIGURES.items()}


def tables_of(name: str, tables: Tables) -> Tables:
    """What a figure is drawn from in a study of several data sets."""
    return tables if FIGURES[name].overall else tables.of(tables.runs["dataset"].iloc[0])


def numbers_in(drawing: Drawing) -> np.ndarray:
    """Every coordinate of a line, height of a step and width of a bar."""
    found = []
    for axis in drawing.figure.axes:
        for line in axis.lines:
            found += [np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)]
        for patch in axis.patches:
            if isinstance(patch, StepPatch):
                found.append(np.asarray(patch.get_data().values, float))
            elif isinstance(patch, Rectangle):
                found.append(np.array([patch.get_width()]))
    return np.concatenate([f.ravel() for f in found])


def test_every_figure_has_a_place_on_the_page() -> None:
    assert {kind.section for kind in FIGURES.values()} == set(SECTIONS)
    for kind in FIGURES.values():
        assert kind.title and not kind.title.endswith(".")


SHOWN = {
    "verdicts": ["estimate"],
    "agreement": ["estimate"],
    "agreement_by_text": ["share"],
    "measures": ["estimate"],
    "concordance": ["estimate"],
    "information_by_position": ["mi_nats"],
    "information_by_rank": ["mi_nats"],
    "skew": ["estimate"],
    "temperature": ["estimate"],
    "divergence": ["value"],
    "output_change": ["value"],
    "distances": ["jsd", "tvd"],
    "erasure": ["estimate"],
    "ablations": ["estimate"],
    "calibration": ["truth"],
    "accuracy": ["accuracy", "tau_gain"],
    "variance": ["sd"],
    "ranks": ["rank"],
    "learning": ["dev_loss", "train_loss"],
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_numbers_beside_a_figure_are_those_in_it(name, default) -> None:
    listed = default[name].data[SHOWN[name]].to_numpy(float).ravel()
    seen = numbers_in(default[name])
    listed, seen = listed[~np.isnan(listed)], np.sort(seen[~np.isnan(seen)])
    place = np.clip(np.searchsorted(seen, listed), 1, len(seen) - 1)
    apart = np.minimum(np.abs(seen[place] - listed), np.abs(seen[place - 1] - listed))
    assert apart.max() < 1e-9


def test_the_effects_on_data_sets_are_in_order_above_their_mean() -> None:
    tables = simulated(("x", "y", "z", "w"))
    drawing = FIGURES["across"].draw(tables)
    claims, means = tables.claims, tables.across.set_index(["claim", "role"])
    for axis in drawing.figure.axes:
        claim = axis.get_title("left").strip("()")
        drawn = [line.get_xdata()[0] for line in axis.lines if line.get_marker() in ("o", "D")]
        own = claims[(claims["claim"] == claim) & (claims["role"] == "primary")]
        effects = own.loc[own["dataset"] != "all"].set_index("dataset")["estimate"]
        names = [label.get_text() for label in axis.get_yticklabels()]
        assert drawn[:-1] == sorted(effects, reverse=True) == list(effects[names[:4]])
        assert drawn[-1] == means.loc[(claim, "primary"), "estimate"]
        assert names[4:] == ["mean", "a new data set"]
    numbers = drawing.data.set_index(["claim", "dataset"])
    assert numbers.loc[("i", "a new data set"), "ci_low"] == means.loc[("i", "primary"), "new_low"]


def test_figures_of_several_data_sets_are_left_out_where_there_are_fewer() -> None:
    several = {"across", "agreement_by_data_set"}
    assert not several & {name for name, _ in drawn(["x"])}
    assert several & {name for name, _ in drawn(["x", "y"])} == {"agreement_by_data_set"}
    assert several <= {name for name, _ in drawn(["x", "y", "z"])}


def test_an_estimate_below_the_axis_is_a_triangle_and_is_counted() -> None:
    table = DEFAULT.calibration.copy()
    table.loc[table.index[:3], "estimate"] = -5.0
    table.loc[table.index[3:], "estimate"] = table["truth"][3:]
    drawing = FIGURES["calibration"].draw(DEFAULT._replace(calibration=table))
    lines = [line for axis in drawing.figure.axes for line in axis.lines]
    assert sum(len(line.get_xdata()) for line in lines if line.get_marker() == "v") == 3
    assert "3 of them below the axis" in drawing.caption


@every_figure
def test_a_caption_is_in_the_numbers_of_the_study(name, default) -> None:
    if FIGURES[name].least > 1:
        several = (simulated(("x", "y", "z"), random=r) for r in (0, 1))
        one, *others = (FIGURES[name].draw(tables).caption for tables in several)
    else:
        one = default[name].caption
        # Two: rounded, the numbers of one may be the same by chance.
        drawn = (tables_of(name, simulated(random=r)) for r in (1, 2))
        others = [FIGURES[name].draw(tables).caption for tables in drawn]
    assert any(c.isdigit() for c in one)
    assert set(others) != {one}


def test_captions_name_what_is_largest(default) -> None:
    cells = DEFAULT.cells.query("variant == 'trained' and statistic == 'tau_gain'")
    best = cells.loc[cells["estimate"].idxmax()]
    words = f"{best['estimate']:+.2f} [{best['ci_low']:+.2f}, {best['ci_high']:+.2f}]"
    caption = default["agreement"].caption
    assert caption.startswith(
        f"Largest: {label_of(best['encoder'])} with {label_of(best['attention'])}"
    )
    assert words in caption
    runs = DEFAULT.runs.query("variant == 'trained'")
    accuracy = runs.groupby(["encoder", "attention", "normaliser"])["accuracy"].mean()
    assert f"{accuracy.max():.3f}" in default["accuracy"].caption
    assert "27 cells, 81 runs, 3 seeds" in default["accuracy"].caption


def test_verdicts_have_effect_and_interval(default) -> None:
    primary = DEFAULT.claims.query("role == 'primary' and dataset == 'all'")
    for row in primary.itertuples():
        words = f"({row.claim}) {row.estimate:+.2f} [{row.ci_low:+.2f}, {row.ci_high:+.2f}]"
        assert words in default["verdicts"].caption


def test_the_level_of_intervals_is_that_of_the_study() -> None:
    assert "90% interval" in FIGURES["agreement"].draw(DEFAULT._replace(level=0.9)).caption


def without(tables: Tables, name: str) -> Tables:
    """The tables of a study that has nothing to draw a figure from."""
    key, keep = {
        "verdicts": ("claims", lambda t: t.assign(estimate=np.nan)),
        "specifications": ("specifications", lambda t: t.head(0)),
        "variance": ("variance", lambda t: t.assign(sd=np.nan)),
        "across": ("across", lambda t: t.head(0)),
        "ranks": ("ranks", lambda t: t.head(1)),
        "calibration": ("calibration", lambda t: t.head(0)),
        "learning": ("learning", lambda t: t[t["variant"] != "trained"]),
        "ablations": ("runs", lambda t: t[t["variant"] == "trained"]),
        "accuracy": ("runs", lambda t: t.assign(tau_gain=np.nan)),
        "temperature": ("cells", lambda t: t[t["normaliser"] == "softmax"]),
        "information_by_position": ("information", lambda t: t[t["index"] != "position"]),
        "information_by_rank": ("information", lambda t: t[t["index"] != "rank"]),
        **dict.fromkeys(
            ["agreement_by_text", "divergence", "output_change", "distances", "erasure"],
            ("distributions", lambda t: t.head(0)),
        ),
        **dict.fromkeys(
            ["agreement", "agreement_by_data_set", "measures", "concordance", "skew"],
            ("cells", lambda t: t.assign(estimate=np.nan)),
        ),
    }[name]
    return tables._replace(**{key: keep(getattr(tables, key))})


@every_figure
def test_a_figure_without_data_says_what_would_add_it(name, tmp_path) -> None:
    drawing = FIGURES[name].draw(without(DEFAULT, name))
    assert list(drawing.data.columns) == ["missing"]
    assert list(drawing.data["missing"]) == [drawing.caption]
    assert (
        drawing.caption.endswith(".") and " would " in drawing.caption
    ) or ": " in drawing.caption


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> Path:
    """The figures of a study of one run."""
    folder = tmp_path_factory.mktemp("one")
    draw_all(ONE, folder)
    return folder


def test_a_study_of_one_cell_and_one_seed_tells_what_it_has_not(one) -> None:
    stems = [one / place(*figure) for figure in drawn(["reviews"])]
    for stem in stems:
        for suffix in (".svg", ".png", ".csv", ".rst"):
            assert stem.with_name(stem.name + suffix).stat().st_size > 0
    missing = {s.name for s in stems if is_missing(s.with_name(f"{s.name}.csv"))}
    assert missing == {
        "ablations",
        "distances",
        "divergence",
        "output_change",
        "ranks",
        "temperature",
    }
    assert "the seeds" not in (one / "reviews/agreement.rst").read_text("utf-8")
    for stem in stems:
        ElementTree.parse(stem.with_name(f"{stem.name}.svg"))


@pytest.mark.parametrize("processes", [1, 2])
def test_figures_are_the_same_byte_for_byte(one, tmp_path, processes: int) -> None:
    draw_all(ONE, tmp_path, processes)
    for path in one.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / path.relative_to(one)).read_bytes()


def test_a_notebook_draws_the_figure_of_the_page(tmp_path) -> None:
    folder = write_study(tmp_path / "study", DEFAULT)
    tables = read_tables(folder)
    one, other = (FIGURES["agreement"].draw(t) for t in (tables, DEFAULT))
    rows = [d.data.sort_values(list(d.data), ignore_index=True) for d in (one, other)]
    pd.testing.assert_frame_equal(*rows, check_dtype=False)
    assert one.caption == other.caption


def test_softmax_is_drawn_where_a_figure_has_one_normaliser(tmp_path) -> None:
    mixed = simulated(normalisers=("gumbel_softmax@0.5", "softmax@0.5", "sparsemax", "softmax"))
    tables = read_tables(write_study(tmp_path, mixed))
    assert list(dict.fromkeys(tables.cells["normaliser"])) == [
        "softmax",
        "softmax@0.5",
        "gumbel_softmax@0.5",
        "sparsemax",
    ]
    assert set(FIGURES["concordance"].draw(tables).data["normaliser"]) == {"softmax"}


def test_a_figure_of_one_data_set_asks_for_its_tables() -> None:
    with pytest.raises(InputError, match=r"found reviews, ag_news, .*: expected tables of one"):
        FIGURES["agreement"].draw(SEVERAL)
    with pytest.raises(InputError, match=r"unknown data set 'review': did you mean 'reviews'"):
        SEVERAL.of("review")


def test_a_folder_without_a_study_is_one_line(tmp_path) -> None:
    with pytest.raises(InputError, match=r"has no claims.csv, expected the folder of a finished"):
        read_tables(tmp_path)


PER_SCORER = [n for n in FIGURES if n not in ("verdicts", "calibration", "variance")]


@pytest.mark.parametrize("attention", ["additive", "scaled_dot"])
def test_a_scorer_has_one_colour_in_all_figures(attention) -> None:
    own = {
        name: table[table["attention"] == attention] if "attention" in table else table
        for name, table in DEFAULT._asdict().items()
        if isinstance(table, pd.DataFrame)
    }
    tables = DEFAULT._replace(**own)
    scorers = set(palette(DEFAULT.runs["attention"]).values())
    colour = palette([attention])[attention]
    for name in PER_SCORER:
        seen = set()
        for axis in FIGURES[name].draw(tables).figure.axes:
            seen |= {to_hex(line.get_color()) for line in axis.lines}
            seen |= {to_hex(c) for group in axis.collections for c in group.get_edgecolor()}
            seen |= {to_hex(patch.get_edgecolor()) for patch in axis.patches}
        assert seen & scorers <= {colour}, name


names = st.text("abcdefgh_", min_size=1, max_size=8)


@given(st.lists(names, unique=True, max_size=4), names)
def test_a_colour_depends_on_names_alone(others: list[str], own: str) -> None:
    registered = ["additive", "deep", "scaled_dot"]
    assert palette([*registered, own]) == palette([own, *reversed(registered)])
    assert palette([own])[own] == palette([*registered, own])[own]
    assert palette([own])[own] not in palette(registered).values()
    study = [*others, own, *registered]
    of_study, of_figure = looks(study), looks([own, "deep"], study)
    assert of_figure == {name: of_study[name] for name in of_figure}
    few = palette([*others[:3], own, *registered])
    assert len(set(few.values())) == len(few)  # while the palette has room


def test_scorers_keep_their_colours_in_the_figures_of_one_data_set() -> None:
    runs = SEVERAL.runs.replace({"attention": {"dot": "one_of_ours", "additive": "another"}})
    absent = (runs["dataset"] == "reviews") & (runs["attention"] == "another")
    tables = SEVERAL._replace(runs=runs[~absent])
    own = in_order(tables.of("reviews").runs["attention"])
    assert "another" not in own
    every = tables.looks(in_order(runs["attention"]))
    assert tables.of("reviews").looks(own) == {name: every[name] for name in own}


def as_seen_by(colour: str, kind: str) -> np.ndarray:
    """RGB of a colour as viewers see it who lack a kind of cone (Machado et al. 2009)."""
    matrix = {
        "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
        "tritan": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
    }[kind]
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.clip(np.array(matrix) @ linear, 0, 1) ** (1 / 2.2)


@pytest.mark.parametrize("kind", ["protan", "deutan", "tritan"])
def test_colour_blind_readers_tell_scorers_and_verdicts_apart(kind: str) -> None:
    verdicts = {VERDICT_COLOURS[v] for v in ("supported", "contradicted", "undetermined")}
    scorers = set(palette(["additive", "deep", "scaled_dot"]).values())
    for colours, least in ((verdicts, 0.2), (scorers, 0.1)):
        seen = [as_seen_by(colour, kind) for colour in colours]
        assert min(np.abs(a - b).max() for a, b in combinations(seen, 2)) > least


def test_means_that_are_compared_are_over_the_same_cells() -> None:
    cells = pd.DataFrame(
        [("cnn", "softmax"), ("cnn", "sparsemax"), ("mlp", "softmax")],
        columns=["encoder", "normaliser"],
    ).assign(attention="deep")
    assert set(shared(cells, "normaliser")["encoder"]) == {"cnn"}
    assert shared(cells.iloc[1:], "normaliser").empty
    table = DEFAULT.cells
    extreme = (table["encoder"] == "cnn") & (table["statistic"] == "entropy_ratio")
    table = table.assign(estimate=table["estimate"].mask(extreme, 0.9))
    lacking = (table["encoder"] == "cnn") & (table["normaliser"] == "gumbel_softmax@0.5")
    tables = DEFAULT._replace(cells=table[~lacking])
    own = table[(table["variant"] == "trained") & (table["statistic"] == "entropy_ratio")]
    softmax = own[(own["normaliser"] == "softmax") & (own["encoder"] != "cnn")]["estimate"].mean()
    captions = {name: FIGURES[name].draw(tables).caption for name in ("skew", "temperature")}
    for caption in captions.values():
        assert "mean over the 6 cells with all" in caption
    assert f"softmax {softmax:.2f}" in captions["skew"]


@given(st.integers(0, 0xFFFFFF))
def test_text_in_any_colour_can_be_read_on_white(number: int) -> None:
    assert contrast(ink_of(f"#{number:06x}")) >= CONTRAST


@pytest.mark.parametrize("tables", [DEFAULT, ONE, SEVERAL], ids=["default", "one", "several"])
@every_figure
def test_no_text_is_cut_off_or_lies_on_another(name, tables) -> None:
    check_words(FIGURES[name].draw(tables_of(name, tables)).figure)


@pytest.mark.parametrize("tables", [DEFAULT, ONE], ids=["default", "one"])
@every_figure
def test_a_caption_is_one_paragraph_of_plain_text(name, tables) -> None:
    odd = tables._replace(
        **{
            key: table.replace({"bilstm": "own_*|`_", "reviews": "odd_"})
            for key, table in tables._asdict().items()
            if key in ("cells", "runs", "information", "distributions", "ranks")
        }
    )
    caption = FIGURES[name].draw(tables_of(name, odd)).caption
    document = publish_doctree(caption, settings_overrides={"report_level": 5})
    assert not list(document.findall(system_message))
    (only,) = document.findall(paragraph)
    assert only.astext() == caption
    assert "{{" not in caption and "\n" not in caption


def test_names_of_classes_are_text(tmp_path) -> None:
    names = ["<script>alert(1)</script> & $x^{$", "سلبي 😀 " + 20 * "and much more "]
    classes = dict(zip(("negative", "positive"), names, strict=True))
    table = DEFAULT.distributions.replace({"group": classes})
    drawing = FIGURES["agreement_by_text"].draw(DEFAULT._replace(distributions=table))
    with warnings.catch_warnings(), applied():
        warnings.simplefilter("ignore", UserWarning)  # no font has every letter
        save(drawing, tmp_path / "figure")
    words = "".join(ElementTree.parse(tmp_path / "figure.svg").getroot().itertext())
    assert f"predicted: {names[0]}" in words
    assert set(drawing.data["group"]) == set(names)


UNKNOWN = (["estimate", "ci_low", "ci_high"], ["value"], ["mi_nats"], ["sd", "share"])


@pytest.mark.parametrize("share", [0.3, 1.0])
@every_figure
def test_numbers_that_are_not_known_do_no_harm(name, share) -> None:
    rng = np.random.default_rng(0)
    gone = {}
    for key, table in DEFAULT._asdict().items():
        if isinstance(table, pd.DataFrame):
            gone[key] = table.copy()
            for together in UNKNOWN if key != "runs" else [[name] for name in STATISTICS]:
                columns = [column for column in together if column in table]
                gone[key].loc[rng.random(len(table)) < share, columns] = np.nan
    drawing = FIGURES[name].draw(DEFAULT._replace(**gone))
    with applied():
        drawing.figure.draw_without_rendering()
    assert "nan" not in drawing.caption


@given(st.text("0123456789. LM\n", max_size=60))
def test_a_compact_picture_keeps_its_words(words: str) -> None:
    svg = f'<text x="1.23456" style="fill: red; font-size: 8px">0.123456{words.strip()}</text>'
    if "\n" not in svg:
        expected = f'<text x="1.2" style="fill:red;font-size:8px">0.123456{words.strip()}</text>'
        assert compact(svg) == expected


@pytest.mark.slow
def test_a_study_of_two_thousand_runs_has_small_figures(tmp_path) -> None:
    large = simulated(
        datasets=("reviews", "news", "films"),
        encoders=("bilstm", "cnn", "mlp", "lstm", "bigru", "gru", "transformer", "pretrained"),
        attentions=("additive", "deep", "scaled_dot", "dot", "multiplicative"),
        seeds=5,
    )
    assert len(large.runs) > 2000
    draw_all(large, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.svg")) < 4_500_000
