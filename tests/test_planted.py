"""The planted study: what the workflow finds where the answer is known. Takes two minutes."""

import pandas as pd
from project import copy_of_project, snakemake
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def planted_study(tmp_path_factory):
    folder = copy_of_project(tmp_path_factory.mktemp("planted"))
    done = snakemake(folder, "--configfile", "studies/planted.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "results/planted"


@pytest.fixture(scope="module")
def estimates(planted_study):
    found = pd.read_parquet(planted_study / "information.parquet")
    return found[(found["index"] == "planted") & (found["estimator"] == "linear")]


@pytest.fixture(scope="module")
def runs(planted_study):
    return pd.read_csv(planted_study / "runs.csv")


@pytest.mark.parametrize("encoder", ["bilstm", "mlp"])
def test_the_decisive_token_has_the_highest_mean_pointwise_information(runs, encoder):
    own = runs[(runs["dataset"] == "keyword") & (runs["encoder"] == encoder)]
    assert len(own) == 4
    assert (own["decisive_gain"] > 0).all()


@pytest.mark.parametrize("encoder", ["bilstm", "mlp"])
@pytest.mark.parametrize("dataset", ["keyword", "keyword_start"])
def test_a_keyword_is_credited_with_what_it_tells_in_closed_form(estimates, dataset, encoder):
    own = estimates[(estimates["dataset"] == dataset) & (estimates["encoder"] == encoder)]
    assert len(own) == 4
    assert ((own["mi_nats"] - own["truth_alone"]).abs() < 0.03).all(), own["mi_nats"]


def test_states_of_single_words_are_not_credited_with_what_two_words_tell_together(estimates):
    own = estimates[(estimates["dataset"] == "xor") & (estimates["encoder"] == "mlp")]
    assert len(own) == 8  # two keywords
    assert (own["mi_nats"].abs() < 0.01).all()


def test_states_that_have_read_both_words_are_credited_with_both(estimates):
    own = estimates[(estimates["dataset"] == "xor") & (estimates["encoder"] == "bilstm")]
    assert len(own) == 8
    assert ((own["mi_nats"] - own["truth_text"]).abs() < 0.03).all(), own["mi_nats"]


def test_what_is_found_stands_beside_the_truth_on_the_page(planted_study):
    page = (planted_study / "report.html").read_text("utf-8")
    assert "attention finds it" in page and "0.368" in page
