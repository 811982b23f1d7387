"""Generated texts whose answer is known, and what the workflow finds in them.

The study at the end takes two minutes.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

from conftest import VARIANTS, architecture_of, estimators
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pandas as pd
from project import copy_of_project, snakemake
import pytest
from scipy.stats import chi2
from test_units import LENGTHS, OPTIONS, states_of

from attinfo.agreement.planted import found_by_text
from attinfo.agreement.tables import by_text, by_unit
from attinfo.config.sections.dataset import Dataset
from attinfo.config.sections.training import Training
from attinfo.data.prepare import prepare
from attinfo.data.sources.planted import planted
from attinfo.data.texts import read_summary, read_texts
from attinfo.data.truth import Truth, read_truth
from attinfo.information.units import information, planted_units
from attinfo.models.classifier import Classifier
from attinfo.runtime.errors import InputError
from attinfo.states import extract as of_model
from attinfo.states.store import States, read_states
from attinfo.training.train import train

KEYWORDS = {"keyword": ["key"], "xor": ["left", "right"]}

# The generator.


def entropy_of(joint: np.ndarray) -> float:
    return float(-(joint[joint > 0] * np.log(joint[joint > 0])).sum())


def information_of(joint: np.ndarray) -> float:
    """I = H(A) + H(B) - H(A, B) in nats, of a table of shares [A, B]."""
    return entropy_of(joint.sum(0)) + entropy_of(joint.sum(1)) - entropy_of(joint)


def enumerated(rule: str, classes: int, probability: float) -> tuple[float, float]:
    """Information of the whole text and of one keyword, from every case and its probability."""
    count = len(KEYWORDS[rule])
    cases = list(product(range(classes), repeat=count))
    whole, alone = np.zeros((len(cases), classes)), np.zeros((classes, classes))
    for row, variants in enumerate(cases):
        for label in range(classes):
            right = label == sum(variants) % classes
            chance = (probability if right else (1 - probability) / (classes - 1)) / len(cases)
            whole[row, label] += chance
            alone[variants[0], label] += chance
    return information_of(whole), information_of(alone)


def spans_of(table: pd.DataFrame) -> list[list[str]]:
    """The words that each text's decisive spans hold."""
    pairs = zip(table["text"], table["decisive"], strict=True)
    return [[text[a:b] for a, b in spans] for text, spans in pairs]


def counted(one: list[str], other: list[str]) -> float:
    """Information between two columns of symbols, counted."""
    return information_of(pd.crosstab(np.array(one), np.array(other)).to_numpy() / len(one))


@pytest.mark.parametrize("rule", KEYWORDS)
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("probability", [0.0, 0.3, 0.9, 1.0])
def test_the_closed_form_is_the_information_of_the_enumerated_cases(
    rule: str, classes: int, probability: float
) -> None:
    table = planted(rule=rule, classes=classes, probability=probability, texts=300, rare=10)
    truth = table.attrs["truth"]
    found = truth["text"], truth["alone"]
    assert found == pytest.approx(enumerated(rule, classes, probability), abs=1e-12)
    assert truth["decisive"] == len(KEYWORDS[rule])


@pytest.mark.parametrize(("rule", "classes"), [("keyword", 2), ("keyword", 6), ("xor", 2)])
def test_the_information_counted_in_many_texts_is_that_of_the_closed_form(
    rule: str, classes: int
) -> None:
    table = planted(rule=rule, classes=classes, probability=0.8, texts=40_000)
    words, label = spans_of(table), table["label"].tolist()
    truth, whole = table.attrs["truth"], ["".join(sorted(w)) for w in words]
    assert counted(whole, label) == pytest.approx(truth["text"], abs=2e-3)
    # In any part of them too: the texts come in no order.
    assert counted(whole[:20_000], label[:20_000]) == pytest.approx(truth["text"], abs=0.02)
    for keyword in KEYWORDS[rule]:
        own = [next(w for w in held if w.startswith(keyword)) for held in words]
        assert counted(own, label) == pytest.approx(truth["alone"], abs=2e-3)


@given(
    rule=st.sampled_from(list(KEYWORDS)),
    classes=st.integers(2, 6),
    probability=st.floats(0, 1),
    position=st.sampled_from(["any", "start", "middle", "end"]),
    shortest=st.integers(2, 6),
    more=st.integers(0, 6),
    texts=st.integers(200, 400),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_every_text_is_as_the_options_say(
    rule: str,
    classes: int,
    probability: float,
    position: str,
    shortest: int,
    more: int,
    texts: int,
    seed: int,
) -> None:
    longest = shortest + more
    table = planted(
        rule=rule, classes=classes, probability=probability, position=position, texts=texts,
        shortest=shortest, longest=longest, rare=0, seed=seed,
    )  # fmt: skip
    assert len(table) == texts
    follows = []
    for text, label, spans in table.itertuples(index=False):
        words, begins = text.split(" "), [0]
        begins += np.cumsum([len(word) + 1 for word in words])[:-1].tolist()
        assert shortest <= len(words) <= longest
        places = [begins.index(a) for a, _ in spans]
        assert places == sorted(places) and [text[a:b] for a, b in spans] == [
            words[place] for place in places
        ]
        assert sorted(words[p][:-1] for p in places) == KEYWORDS[rule]
        assert not any(w[:-1] in KEYWORDS[rule] for i, w in enumerate(words) if i not in places)
        k, n = len(places), len(words)
        beside = {
            "any": places,
            "start": list(range(k)),
            "end": list(range(n - k, n)),
            "middle": list(range((n - k) // 2, (n - k) // 2 + k)),
        }
        assert places == beside[position]
        ruled = sum(int(words[p][-1]) for p in places) % classes
        follows.append(label == f"class{ruled}")
    assert abs(sum(follows) - probability * texts) <= 1


def test_keywords_at_any_position_are_equally_often_at_each() -> None:
    table = planted(shortest=5, longest=5, texts=10_000)
    place = [text[: spans[0][0]].count(" ") for text, spans in table[["text", "decisive"]].values]
    expected = 2000
    statistic = ((np.bincount(place, minlength=5) - expected) ** 2 / expected).sum()
    assert statistic < chi2.ppf(0.999, 4)


@pytest.mark.parametrize("rule", KEYWORDS)
def test_distractors_their_number_and_the_place_of_the_keyword_know_nothing_of_the_label(
    rule: str,
) -> None:
    # 2 n I is chi-squared where nothing is known; one in a thousand is above the bound.
    table = planted(rule=rule, texts=8000)
    label = table["label"].tolist()
    bound = chi2.ppf(1 - 1e-3 / 32, 1) / (2 * len(table))
    for word in range(30):
        has = [f"word{word}" in text.split() for text in table["text"]]
        assert counted(has, label) < bound, word
    for values in (table["text"].str.count(" "), table["decisive"].map(lambda d: d[0][0])):
        degrees = values.nunique() - 1
        assert counted(values.tolist(), label) < chi2.ppf(0.999, degrees) / (2 * len(table))


def test_frequent_distractors_fall_as_one_over_rank_and_rare_ones_are_near_hapax() -> None:
    table = planted(frequent=12, rare=200, texts=20_000)
    words = table["text"].str.split().explode().value_counts()
    share = words[[f"word{i}" for i in range(12)]].to_numpy() * np.arange(1, 13)
    np.testing.assert_allclose(share / share.mean(), 1, atol=0.05)
    rare = words[words.index.str.startswith("rare")]
    assert len(rare) == 200 and rare.value_counts().to_dict() == dict.fromkeys(range(1, 5), 50)


def test_the_seed_decides_every_text_and_another_seed_draws_others() -> None:
    one, again, other = (planted(texts=300, rare=50, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, again)
    assert one.attrs == again.attrs == other.attrs
    assert (one["text"] != other["text"]).mean() > 0.9


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"shortest": 8, "longest": 7}, ["shortest is 8", "longest 7"]),
        ({"rule": "xor", "shortest": 1}, ["shortest is 1", "2 <= shortest"]),
        ({"texts": 20, "rare": 900}, ["rare is 900", "fewer rare words"]),
    ],
)
def test_options_that_cannot_be_met_are_refused_in_one_line(
    options: dict[str, Any], named: list[str]
) -> None:
    with pytest.raises(InputError) as raised:
        planted(**options)
    message = str(raised.value)
    assert message.startswith("planted: ") and "expected" in message and "\n" not in message
    assert all(part in message for part in named)


# Scores of a run against the truth.


def truth_for(states: States, seed: int = 0, most: int = 2) -> Truth:
    """Up to `most` decisive tokens in each text, at random places."""
    rng = np.random.default_rng(seed)
    rank = np.argsort(np.argsort(rng.random(len(states.score)) + states.text))
    place = rank - np.repeat(states.offsets[:-1], states.lengths)
    return Truth(place < most, alone=0.1, text=0.3)


@pytest.mark.parametrize("seed", range(5))
def test_hits_weights_and_gains_are_those_of_the_decisive_tokens(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 7, 60).tolist()
    tied = rng.integers(0, 3, sum(lengths)).astype(np.float32)
    states = states_of(lengths, seed=seed, score=tied)
    decisive, gain = rng.random(sum(lengths)) < 0.4, rng.integers(0, 4, sum(lengths)) / 4
    found = found_by_text(states, gain, decisive)
    for text, (a, b) in enumerate(zip(states.offsets, states.offsets[1:], strict=False)):
        own, score, gained = decisive[a:b], tied[a:b], gain[a:b]
        hit = own[score == score.max()].mean()  # tied ones count in part
        expected = np.nan if len(set(score)) == 1 else hit  # where all are tied there is no order
        assert found["hit_attention"][text] == pytest.approx(expected, nan_ok=True)
        assert found["hit_gain"][text] == pytest.approx(own[gained == gained.max()].mean())
        weight = states.attention[a:b][own].sum()
        assert found["decisive_attention"][text] == pytest.approx(weight, abs=1e-6)
        if own.any() and not own.all():
            apart = gained[own].mean() - gained[~own].mean()
            assert found["decisive_gain"][text] == pytest.approx(apart)
        else:
            assert np.isnan(found["decisive_gain"][text])


def test_texts_are_scored_only_where_the_truth_is_known() -> None:
    states = states_of(LENGTHS)
    _, pointwise = information(states, OPTIONS)
    plain, rows = by_text(states, pointwise)
    scored, same = by_text(states, pointwise, truth_for(states).decisive)
    new = ["hit_attention", "hit_gain", "decisive_attention", "decisive_gain"]
    assert [c for c in scored if c not in plain] == new
    pd.testing.assert_frame_equal(scored[list(plain)], plain)
    pd.testing.assert_frame_equal(rows, same)


def test_a_planted_unit_is_the_first_or_the_second_decisive_token_of_every_text() -> None:
    states = states_of(LENGTHS)
    truth = truth_for(states)
    units = list(planted_units(states, truth))
    assert [(unit.index, unit.unit) for unit in units] == [("planted", 0), ("planted", 1)]
    for text, (a, b) in enumerate(zip(states.offsets, states.offsets[1:], strict=False)):
        expected = np.flatnonzero(truth.decisive[a:b]) + a
        assert [unit.tokens[text] for unit in units] == expected.tolist()


def test_decisive_tokens_are_estimated_about_the_gold_label_and_nothing_else_changes() -> None:
    label = np.random.default_rng(9).integers(0, 2, len(LENGTHS)).astype(np.int32)
    states = states_of(LENGTHS, label=label)
    truth = truth_for(states)
    shift = 2 * (label[states.text] * truth.decisive)[:, None]
    states = replace(states, hidden=(states.hidden + shift).astype(np.float32))
    plain, tokens = information(states, OPTIONS)
    found, same = information(states, OPTIONS, truth=truth)
    of_planted = found["index"] == "planted"
    pd.testing.assert_frame_equal(found[~of_planted], plain)
    pd.testing.assert_frame_equal(tokens, same)
    assert plain[["truth_alone", "truth_text"]].isna().all(axis=None)
    rows = found[of_planted]
    assert len(rows) == 2 * len(OPTIONS["estimators"])
    assert (rows["truth_alone"] == 0.1).all() and (rows["truth_text"] == 0.3).all()
    assert (rows["mi_nats"] > 0.2).all() and (rows["mi_nats"] > rows["floor_upper"]).all()
    pd.testing.assert_frame_equal(by_unit(states, found, same), by_unit(states, plain, tokens))


# What models find.

TRAINING = Training(epochs=12, patience=4, batch_size=64, learning_rate=0.01)
CELLS = list(product(["mlp", "bilstm"], ["additive", "scaled_dot"]))
Found = tuple[States, Truth, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str, str], Found]:
    """Trains and analyses a model: `found(rule, encoder, attention)`, each only once."""
    options = OPTIONS | {"min_texts": 50, "positions": 1, "ranks": 1}
    options |= {"estimators": estimators(linear={})}
    study: dict[str, Any] = {"keyword": {}, "xor": {"longest": 8, "rare": 100}}

    @cache
    def data(rule: str) -> Any:
        folder = tmp_path_factory.mktemp(rule)
        planted(rule=rule, texts=5000, **study[rule]).to_parquet(folder / "raw.parquet")
        asked = Dataset(source={"name": "planted"}, split={"train": 0.5})
        prepare(folder / "raw.parquet", asked.model_dump(), folder / "data")
        return folder / "data"

    @cache
    def build(rule: str, encoder: str, attention: str) -> Found:
        folder = data(rule)
        sizes = read_summary(folder)["vocabulary"], 2
        own = architecture_of(encoder, attention, changes={"dropout": 0.0})
        parts = read_texts(folder, "train"), read_texts(folder, "dev")
        trained = VARIANTS["trained"]
        weights, _ = train(
            *parts, *sizes, architecture=own, training=TRAINING, variant=trained, seed=1
        )
        model = Classifier(*sizes, own, trained)
        model.load_state_dict(weights)
        states = States(**of_model.states_of(model.eval(), read_texts(folder, "test")))
        truth = read_truth(folder, "test")
        assert truth is not None
        return states, truth, *information(states, options, truth=truth)

    return build


def margins(states: States, decisive: np.ndarray, gain: np.ndarray) -> dict[str, float]:
    """Mean gain of the decisive tokens less the highest mean among the others.

    Among the other words, and among the tokens at the same distance from the first decisive one;
    those that occur a hundred times or more.
    """
    first = np.full(len(states.label), len(gain))
    np.minimum.at(first, states.text[decisive], states.position[decisive])
    groups = {"words": states.token_id, "distances": states.position - first[states.text]}
    highest = {}
    for name, group in groups.items():
        means = pd.Series(gain[~decisive]).groupby(group[~decisive]).agg(["mean", "size"])
        highest[name] = means["mean"][means["size"] >= 100].max()
    return {name: float(gain[decisive].mean() - value) for name, value in highest.items()}


@pytest.mark.parametrize(("encoder", "attention"), CELLS)
def test_the_keyword_has_the_highest_mean_gain_of_all_words_and_places(
    found: Callable[..., Found], encoder: str, attention: str
) -> None:
    # In a BiLSTM the other states know the keyword too: they may come equal to it, but not above.
    states, truth, _, pointwise = found("keyword", encoder, attention)
    lead = margins(states, truth.decisive, pointwise["linear_gain"].to_numpy())
    assert min(lead.values()) > (0.2 if encoder == "mlp" else -0.01), lead


@pytest.mark.parametrize(("encoder", "attention"), CELLS)
def test_a_keyword_is_credited_with_its_closed_form(
    found: Callable[..., Found], encoder: str, attention: str
) -> None:
    rows = found("keyword", encoder, attention)[2].query("index == 'planted'")
    assert len(rows) == 1
    assert rows["mi_nats"].item() == pytest.approx(rows["truth_alone"].item(), abs=0.03)


@pytest.mark.parametrize("attention", ["additive", "scaled_dot"])
def test_of_two_words_by_xor_neither_is_credited_alone_and_both_are_in_context(
    found: Callable[..., Found], attention: str
) -> None:
    alone = found("xor", "mlp", attention)[2].query("index == 'planted'")
    context = found("xor", "bilstm", attention)[2].query("index == 'planted'")
    assert len(alone) == len(context) == 2
    assert (alone["mi_nats"] <= alone["floor_upper"]).all() or (alone["mi_nats"] < 0.02).all()
    assert (context["mi_nats"] > context["truth_text"] / 2).all()
    assert (context["mi_nats"] > 20 * context["floor_upper"]).all()
    assert (context["mi_nats"] < context["truth_text"] + 0.03).all()


# The study.


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


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["bilstm", "mlp"])
def test_the_decisive_token_has_the_highest_mean_pointwise_information(runs, encoder):
    own = runs[(runs["dataset"] == "keyword") & (runs["encoder"] == encoder)]
    assert len(own) == 4
    assert (own["decisive_gain"] > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["bilstm", "mlp"])
@pytest.mark.parametrize("dataset", ["keyword", "keyword_start"])
def test_a_keyword_is_credited_with_what_it_tells_in_closed_form(estimates, dataset, encoder):
    own = estimates[(estimates["dataset"] == dataset) & (estimates["encoder"] == encoder)]
    assert len(own) == 4
    assert ((own["mi_nats"] - own["truth_alone"]).abs() < 0.03).all(), own["mi_nats"]


@pytest.mark.slow
def test_states_of_single_words_are_not_credited_with_what_two_words_tell_together(estimates):
    own = estimates[(estimates["dataset"] == "xor") & (estimates["encoder"] == "mlp")]
    assert len(own) == 8  # two keywords
    assert (own["mi_nats"].abs() < 0.01).all()


@pytest.mark.slow
def test_states_that_have_read_both_words_are_credited_with_both(estimates):
    # A model that attends to one of the two words need not make the state of the other hold the
    # answer, so a unit of first (or second) words may have somewhat less than the text.
    own = estimates[(estimates["dataset"] == "xor") & (estimates["encoder"] == "bilstm")]
    assert len(own) == 8
    assert (own["mi_nats"] > 0.8 * own["truth_text"]).all(), own["mi_nats"]
    assert (own["mi_nats"] < own["truth_text"] + 0.03).all(), own["mi_nats"]
    assert own["mi_nats"].max() == pytest.approx(own["truth_text"].iloc[0], abs=0.01)


@pytest.mark.slow
def test_a_supporting_value_is_credited_with_its_closed_form(estimates):
    own = estimates[estimates["dataset"] == "pairs"]
    assert len(own) == 8
    assert ((own["mi_nats"] - own["truth_alone"]).abs() < 0.03).all(), own["mi_nats"]


@pytest.mark.slow
def test_importance_finds_the_supporting_value_and_the_attention_of_a_bilstm_does(runs):
    """A CNN may look at the words beside the value, which its window reads too."""
    own = runs[runs["dataset"] == "pairs"]
    # Means: one seed of the CNN with additive attention learns little more than to count values.
    accuracy = own.groupby(["encoder", "attention"])["accuracy"].mean()
    assert len(accuracy) == 4 and (accuracy > 0.75).all(), accuracy
    assert (own["plausibility_leave_one_out"] > 0.25).all(), own["plausibility_leave_one_out"]
    assert (own["plausibility_permuted"].abs() < 0.05).all()
    bilstm = own[(own["encoder"] == "bilstm") & (own["attention"] == "additive")]
    assert (bilstm["plausibility_attention"] > 0.2).all(), bilstm["plausibility_attention"]


@pytest.mark.slow
def test_what_is_found_stands_beside_the_truth_on_the_page(planted_study):
    page = (planted_study / "report.html").read_text("utf-8")
    assert "attention finds it" in page and "0.368" in page


@pytest.mark.slow
def test_the_keyword_has_the_highest_mean_gain_of_all_words_and_places_in_the_study(
    planted_study,
):
    (data,) = planted_study.parent.glob("data/keyword-*/summary.json")
    truth = read_truth(data.parent, "test")
    files = sorted((planted_study / "runs" / "keyword").rglob("pointwise/linear.parquet"))
    assert len(files) == 8
    for file in files:
        states = read_states(file.parents[1] / "states.safetensors")
        gain = pd.read_parquet(file)["linear_gain"].to_numpy()
        lead = margins(states, truth.decisive, gain)
        assert min(lead.values()) > 0, (file, lead)
