"""The workflow as a user runs it: real Snakemake, a small study, a fresh copy of the project."""

from pathlib import Path
from xml.etree import ElementTree

from chromium import chromium, requests, visit
import numpy as np
import pandas as pd
from project import ROOT, copy_of_project, jobs_of_dry_run, snakemake
import pytest
from snakemake_report import check_captions
import yaml

from attinfo.blocks.catalogue import KINDS
from attinfo.data.truth import read_truth
from attinfo.information.flags import FLAGS

# Text is data: it must come out of the page as it went in.
ODD = ' <script>alert(1)</script> & "q" 😀'


def smoke_study() -> dict:
    """studies/smoke.yaml with one more data set: a file that is odd in every allowed way."""
    study = yaml.safe_load((ROOT / "studies/smoke.yaml").read_text("utf-8"))
    study["datasets"]["own"] = {
        "source": {"name": "files", "path": "own.csv"},
        "text": "The Text, as said",
        "label": "stars ★",
        "split": {"train": 0.55},
    }
    cell = {"encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
    study["grid"].insert(0, {"dataset": "own", **cell})
    study["report"]["published"] = "published.csv"
    return study


def write_published(path: Path) -> None:
    """Two made-up numbers, one of them of a cell that the study has not."""
    row = "smoke,{},additive,softmax,tau_gradient,{},made up <b>\n"
    head = "dataset,encoder,attention,normaliser,statistic,published,source\n"
    path.write_text(head + row.format("mlp", 0.5) + row.format("cnn", 0.4), "utf-8")


def write_own(path: Path) -> None:
    """Three classes, odd column names, emoji, CRLF and a byte order mark."""
    rng = np.random.default_rng(0)
    words = np.array([f"wörd{i}" for i in range(20)])
    rows = [
        (" ".join(rng.permutation([*rng.choice(words, 6), f"key{label}"])) + ODD, f"{label} ★")
        for label in rng.integers(0, 3, 900)
    ]
    table = pd.DataFrame(rows, columns=["The Text, as said", "stars ★"])
    table.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """A finished smoke study."""
    folder = copy_of_project(tmp_path_factory.mktemp("smoke"))
    write_own(folder / "own.csv")
    write_published(folder / "published.csv")
    (folder / "smoke.yaml").write_text(yaml.safe_dump(smoke_study()), "utf-8")
    done = snakemake(folder, "--configfile", "smoke.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done


def test_one_command_ends_in_a_verdict_for_each_conclusion(smoke):
    folder, _ = smoke
    claims = pd.read_csv(folder / "results/smoke/claims.csv")
    primary = claims[(claims["role"] == "primary") & (claims["dataset"] == "all")]
    assert list(primary["claim"]) == ["i", "ii", "iii", "iv", "v"]
    assert set(primary["verdict"]) <= {"supported", "contradicted", "undetermined"}
    assert (folder / "results/smoke/report.html").stat().st_size > 50_000


def test_published_numbers_stand_beside_ours(smoke):
    folder, _ = smoke
    (row,) = pd.read_csv(folder / "results/smoke/published.csv").to_dict("records")
    runs = pd.read_csv(folder / "results/smoke/runs.csv").query("variant == 'trained'")
    own = runs[(runs["dataset"] == "smoke") & (runs["encoder"] == "mlp")]
    own = own[(own["attention"] == "additive") & (own["normaliser"] == "softmax")]
    assert row["seeds"] == 2 and row["ours"] == pytest.approx(own["tau_gradient"].mean())
    page = (folder / "results/smoke/report.html").read_text("utf-8")
    assert "Published numbers beside ours" in page and "made up &lt;b&gt;" in page


def test_the_slowest_rules_are_printed_at_the_end(smoke):
    _, done = smoke
    assert "train" in done.stdout and "MB at most" in done.stdout


def test_a_second_run_does_nothing(smoke):
    folder, _ = smoke
    assert "Nothing to be done" in snakemake(folder, "--configfile", "smoke.yaml").stderr


def test_adding_a_data_set_trains_only_on_that(smoke):
    folder, _ = smoke
    study = smoke_study()
    study["datasets"]["more"] = study["datasets"]["smoke"] | {"min_count": 3}
    study["grid"].append(study["grid"][0] | {"dataset": "more"})
    (folder / "more.yaml").write_text(yaml.safe_dump(study), "utf-8")
    rules = jobs_of_dry_run(folder, "--configfile", "more.yaml")
    assert (rules["prepare"], rules["preflight"], rules["train"]) == (1, 1, 1)
    assert "download" not in rules  # it reads the table that another data set has brought
    assert rules["information"] == 3 and rules["agreement"] == 1


def test_a_dry_run_says_how_many_models_a_study_means(smoke):
    folder, _ = smoke
    done = snakemake(folder, "--configfile", "smoke.yaml", "--dry-run")
    assert "2 data sets, 7 cells, 4 variants, 2 seeds: 20 runs, 18 models to train" in (
        done.stderr + done.stdout
    )


def test_a_study_that_its_data_cannot_bear_stops_before_any_training(smoke):
    folder, _ = smoke
    study = smoke_study() | {"study": "starved"}
    study["information"] |= {"min_texts": 1000}
    (folder / "starved.yaml").write_text(yaml.safe_dump(study), "utf-8")
    done = snakemake(folder, "--configfile", "starved.yaml", "--until", "train")
    assert done.returncode != 0
    assert "information.min_texts is 1000, but the test split of 'smoke' has" in done.stderr
    assert not (folder / "results/starved/runs").exists()


def test_the_page_is_self_contained_and_shows_texts_as_text(smoke):
    folder, _ = smoke
    page = (folder / "results/smoke/report.html").read_text("utf-8")
    assert page.count("<script") == 1  # its own
    assert "&lt;" in page and "😀" in page
    for outside in ('src="http', "@import", "<link"):
        assert outside not in page


def test_the_page_of_a_whole_study_is_sound_in_a_browser(smoke):
    folder, _ = smoke
    with chromium() as browser:
        visit(browser, folder / "results/smoke/report.html", width=400)
        assert browser.get_log("browser") == []
        assert all(url.startswith(("file:", "data:")) for url in requests(browser))
        browser.execute_script("window.scrollTo(500, 0)")
        assert browser.execute_script("return window.scrollX") == 0
        pictures = browser.find_elements("tag name", "img")
        assert len(pictures) > 10
        assert all(len(picture.get_attribute("alt")) > 80 for picture in pictures)


def test_strips_and_latex_tables_stand_beside_the_page(smoke):
    folder, _ = smoke
    pictures = list((folder / "results/smoke/strips").glob("own-*.svg"))
    assert len(pictures) == 3
    for picture in pictures:
        assert "<script" not in picture.read_text("utf-8")
        ElementTree.parse(picture)
    for name in ("verdicts", "agreement"):
        text = (folder / f"results/smoke/tables/{name}.tex").read_text("utf-8")
        assert r"\begin{tabular}" in text and "τ" not in text


def test_snakemake_makes_its_report_too(smoke):
    folder, _ = smoke
    done = snakemake(folder, "--configfile", "smoke.yaml", "--report", "report.zip")
    assert done.returncode == 0, done.stderr[-2000:]
    assert (folder / "report.zip").stat().st_size > 100_000
    check_captions(folder / "report.zip", folder / "results/smoke/figures")


def test_a_planted_word_leads_in_information_in_the_study(smoke):
    folder, _ = smoke
    run = folder / "results/smoke/runs/smoke/mlp/additive/softmax/trained/1"
    pointwise = pd.read_parquet(run / "pointwise/linear.parquet")
    decisive = read_truth(next((folder / "results/data").glob("smoke-*/")), "test").decisive
    gain = pointwise["linear_gain"]
    leads = decisive[gain.groupby(pointwise["text"]).idxmax()]
    assert leads.mean() > 0.95
    assert gain[decisive].mean() > 5 * gain[~decisive].mean()


def test_every_estimate_says_how_far_it_can_be_trusted(smoke):
    folder, _ = smoke
    estimates = pd.read_parquet(folder / "results/smoke/information.parquet")
    calibration = pd.read_csv(folder / "results/smoke/calibration.csv")
    assert set(calibration["task"]) == set(KINDS["task"])
    assert set(calibration["estimator"]) == {"linear", "knn", "logistic", "stack"}
    assert calibration["n"].max() == estimates["n"].max()  # as many texts as the test split has
    known = set(" ".join(estimates["flags"]).split())
    assert known <= set(FLAGS)
    everywhere = estimates[estimates["estimator"].isin(["linear", "knn"])]
    assert everywhere[["effective_rank", "calibrated_bias"]].notna().all(axis=None)
    halved = ["half_1", "half_2", "mi_extrapolated"]
    ranked = ~everywhere["index"].isin(["instance", "planted"])
    ranked &= everywhere["estimator"] == "linear"  # the estimator of the claims
    assert everywhere.loc[ranked, halved].notna().all(axis=None)
    assert everywhere.loc[~ranked, halved].isna().all(axis=None)
    checks = estimates[estimates["spot_check"]]
    assert set(checks["estimator"]) == {"stack"}
    run = ["dataset", "encoder", "attention", "normaliser", "variant", "seed"]
    assert not checks.duplicated(run).any()  # one in each run that was drawn, as in config.yaml
    assert 0 < len(checks) < len(estimates[run].drop_duplicates()) / 2


def test_a_planted_word_says_in_itself_what_its_state_says(smoke):
    folder, _ = smoke
    estimates = pd.read_parquet(folder / "results/smoke/information.parquet")
    estimates = estimates[estimates["dataset"] == "smoke"]
    own = estimates[(estimates["index"] == "instance") & (estimates["variant"] == "trained")]
    means = own.groupby(["encoder", "estimator"])["mi_over_h"].mean()
    # A per-token state is a function of its word; that of a BiLSTM knows the text.
    assert means["mlp", "token_type"] == pytest.approx(means["mlp", "linear"], abs=0.05)
    assert means["bilstm", "linear"] > means["bilstm", "token_type"] + 0.1


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"encoder": "bilsm"}, "unknown encoder 'bilsm': did you mean 'bilstm'?"),
        ({"attention": "aditive"}, "unknown attention 'aditive': did you mean 'additive'?"),
        ({"normaliser": "softmax@0"}, "the temperature is '0', expected a number above 0"),
        ({"dataset": "smok"}, "unknown dataset 'smok': did you mean 'smoke'?"),
    ],
)
def test_a_bad_config_is_one_line_before_anything_runs(smoke, tmp_path, change, line):
    folder, _ = smoke
    study = smoke_study()
    study["grid"] = [study["grid"][0] | change]
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(study))
    done = snakemake(folder, "--configfile", str(tmp_path / "bad.yaml"))
    assert done.returncode != 0
    assert line in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("txt,label\n" + "a b,x\nc d,y\n" * 20, "text: unknown column 'text'"),
        ("text,label\n" + "a b,x\n,y\n" * 20, "column 'text' is empty in 20 of 40 rows"),
        (
            "text,label\n" + "a b,x\n" * 20,
            "column 'label' holds only 'x', expected two or more classes",
        ),
    ],
)
def test_bad_data_is_one_line_and_leaves_nothing(smoke, content, line):
    folder, _ = smoke
    (folder / "bad.csv").write_text(content)
    study = smoke_study() | {"study": "bad"}
    study["datasets"]["own"] = {"source": {"name": "files", "path": "bad.csv"}}
    (folder / "bad.yaml").write_text(yaml.safe_dump(study), "utf-8")
    done = snakemake(folder, "--configfile", "bad.yaml", "--until", "prepare")
    assert done.returncode != 0
    assert "bad.csv" in done.stderr and line in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "results/bad/runs").exists()
    assert len(list((folder / "results/data").glob("own-*/"))) == 1  # that of the good study
