"""The default study, as `make run` makes it, with three of its five seeds to save time."""

import pandas as pd
from project import copy_of_project, snakemake
import pytest

from attinfo.claims.conclusions import BY_NUMERAL
from attinfo.statistics.intervals import t_interval

pytestmark = pytest.mark.slow
SEEDS = [1, 2, 3]
THREE = ("--configfile", "three.yaml")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = copy_of_project(tmp_path_factory.mktemp("default"))
    (folder / "three.yaml").write_text(f"seeds: {SEEDS}\nbatch: {len(SEEDS)}\n", "utf-8")
    done = snakemake(folder, *THREE, timeout=3600)
    assert done.returncode == 0, done.stderr[-3000:]
    print(done.stdout)
    return folder


def test_each_conclusion_has_a_verdict_and_the_page_exists(study):
    claims = pd.read_csv(study / "results/default/claims.csv")
    primary = claims[claims["role"] == "primary"]
    assert list(primary["claim"]) == list(BY_NUMERAL)
    assert (primary["n"] == len(SEEDS)).all()
    assert primary["robust"].between(0, 1).all()
    assert (primary.loc[primary["robust"] < 1, "hangs_on"].str.len() > 0).all()
    assert primary["verdict"].isin(["supported", "contradicted", "undetermined"]).all()
    assert (study / "results/default/report.html").stat().st_size < 10_000_000


def test_every_trained_bilstm_cell_is_right_in_at_least_72_percent(study):
    runs = pd.read_csv(study / "results/default/runs.csv")
    trained = runs[(runs["encoder"] == "bilstm") & (runs["variant"] == "trained")]
    accuracy = trained.groupby(["attention", "normaliser"])["accuracy"].mean()
    assert len(accuracy) == 10
    assert (accuracy >= 0.72).all(), accuracy


def test_permuted_weights_agree_with_nothing(study):
    cells = pd.read_csv(study / "results/default/cells.csv")
    permuted = cells[(cells["variant"] == "permuted") & (cells["statistic"] == "tau_gain")]
    assert len(permuted) == 3
    assert permuted["estimate"].abs().max() < 0.02
    rows = pd.read_csv(study / "results/default/agreement.csv")
    # Of the output that permuted weights made the ranks do know something, see the page.
    rows = rows[(rows["variant"] == "trained") & (rows["index"] != "instance")]
    rows = rows[(rows["statistic"] == "kendall_b") & rows["pair"].str.startswith("permuted~")]
    rows = rows.pivot_table(index="seed", columns=["index", "pair"], values="value")
    runs = pd.read_csv(study / "results/default/runs.csv").query("variant == 'trained'")
    rows["instance", "gain"] = runs.groupby("seed")["tau_permuted_gain"].mean()
    assert rows.shape == (len(SEEDS), 7)
    for index, own in rows.items():
        _, low, high = t_interval(own.to_numpy(), 0.95)
        assert low < 0 < high, (index, low, high)


def test_every_model_was_trained_enough(study):
    training = pd.read_csv(study / "results/default/training.csv")
    assert len(training) == 42 * len(SEEDS) and training["trained_enough"].all()


def test_models_of_shuffled_labels_are_at_chance(study):
    runs = pd.read_csv(study / "results/default/runs.csv")
    assert runs.loc[runs["variant"] == "label_shuffled", "accuracy"].between(0.45, 0.55).all()


def test_no_job_needs_more_than_one_and_a_half_gigabytes(study):
    files = list((study / "results/default/benchmarks").rglob("*.tsv"))
    memory = pd.concat(pd.read_csv(file, sep="\t") for file in files)["max_rss"]
    assert len(memory) > 150
    assert memory.max() < 1500


def test_a_second_run_does_nothing(study):
    assert "Nothing to be done" in snakemake(study, *THREE).stderr
