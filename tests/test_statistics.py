"""The hierarchical bootstrap, against closed forms, other implementations and coverage."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import DescrStatsW

from attinfo.statistics.intervals import (
    Interval,
    Ratios,
    detectable,
    equivalence_p,
    interval,
    mean_of,
    seed_error,
    t_interval,
    text_weights,
)


def seeds_alone(effects: np.ndarray, repeats: int = 4000) -> np.ndarray:
    """[1 + B, R] draws in which the texts make no difference."""
    return np.tile(effects, (1 + repeats, 1))


@pytest.mark.parametrize("replicates", [2, 3, 10])
def test_where_texts_do_not_vary_it_is_the_t_test(replicates: int) -> None:
    effects = np.random.default_rng(replicates).normal(0.7, 1, replicates)
    found = interval(mean_of([seeds_alone(effects)], 1).draws, 0.95)
    test = stats.ttest_1samp(effects, 0)
    low, high = test.confidence_interval(0.95)
    width = high - low
    assert found.estimate == pytest.approx(effects.mean())
    assert found.low == pytest.approx(low, abs=0.01 * width)
    assert found.high == pytest.approx(high, abs=0.01 * width)
    assert found.p == pytest.approx(test.pvalue, abs=0.002)


def test_where_texts_do_not_vary_equivalence_is_that_of_statsmodels() -> None:
    effects = np.random.default_rng(1).normal(0.02, 0.03, 5)
    p = DescrStatsW(effects).ttost_mean(-0.05, 0.05)[0]
    draws = mean_of([seeds_alone(effects)], 1).draws
    assert equivalence_p(draws, 0.05) == pytest.approx(p, abs=0.001)
    assert equivalence_p(draws, 0.5) < 0.002 and equivalence_p(draws + 0.05, 0.05) > 0.5


def test_two_data_sets_are_the_test_of_welch() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.normal(0, 1, 4), rng.normal(0, 3, 7)
    error, df = seed_error([one, -other])  # the mean of x and -y is half of the difference
    test = stats.ttest_ind(one, other, equal_var=False)
    assert df == pytest.approx(test.df)
    assert (one.mean() - other.mean()) / 2 / error == pytest.approx(test.statistic)


def test_a_data_set_of_one_seed_varies_as_the_others_do() -> None:
    one, other = np.array([0.0, 1.0, 2.0]), np.array([5.0])
    error, df = seed_error([one, other])
    assert error == pytest.approx(np.sqrt(1 / 3 + 1) / 2) and df == pytest.approx(2)
    assert seed_error([other, other]) == (0.0, 0.0)


def test_data_sets_weigh_the_same_however_many_seeds_they_have() -> None:
    draws = [seeds_alone(np.array([1.0, 1.1])), seeds_alone(np.linspace(2.9, 3.1, 9))]
    assert mean_of(draws, 1).draws[0] == pytest.approx((1.05 + 3) / 2)


@pytest.mark.parametrize(("df", "alpha"), [(2, 0.05), (4, 0.01), (9, 0.05), (9, 0.01), (60, 0.05)])
def test_the_detectable_effect_is_that_of_statsmodels(df: int, alpha: float) -> None:
    known = TTestPower().solve_power(nobs=df + 1, alpha=alpha, power=0.8) * np.sqrt(df + 1)
    assert detectable(1.0, 0.0, df, alpha) == pytest.approx(known, rel=0.005)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_with_two_seeds_the_detectable_effect_is_that_of_an_integral(alpha: float) -> None:
    effect, reach = detectable(1.0, 0.0, 1, alpha), stats.t.ppf(1 - alpha / 2, 1)

    def found(error: float) -> float:  # of two seeds it is the size of a normal number
        outside = stats.norm.sf(reach * error - effect) + stats.norm.cdf(-reach * error - effect)
        return 2 * stats.norm.pdf(error) * outside

    assert quad(found, 0, 10, limit=200)[0] == pytest.approx(0.8, abs=0.005)


def test_texts_add_to_the_detectable_effect_as_a_normal_error_does() -> None:
    normal = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert detectable(1e-9, 2.0, 2, 0.05) == pytest.approx(2 * normal, rel=0.01)
    assert detectable(1, 0, 2, 0.05) < detectable(1, 1, 2, 0.05) < detectable(1, 2, 2, 0.05)
    assert detectable(0.0, 0.0, 2, 0.05) == 0


@pytest.mark.parametrize("texts", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("replicates", [3, 5])
def test_the_detectable_effect_is_found_in_four_of_five_studies(
    replicates: int, texts: float
) -> None:
    rng = np.random.default_rng(3)
    truth = detectable(1 / np.sqrt(replicates), texts, replicates - 1, 0.05)
    found = []
    for number in range(600):
        effects = truth + rng.normal(size=replicates) + texts * rng.normal()
        of_texts = texts * rng.normal(size=(500, 1))
        draws = np.concatenate([effects[None], effects + of_texts])
        found.append(interval(mean_of([draws], number).draws, 0.95).p < 0.05)
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


# Coverage.


def simulated(
    replicates: int, seed_sd: float, text_sd: float, number: int, texts: int = 60
) -> Interval:
    """The interval of a mean that is zero; half of what a text does, it does to every seed."""
    rng = np.random.default_rng([number, replicates])
    values = (
        seed_sd * rng.normal(size=replicates)
        + text_sd * rng.normal(size=(texts, 1)) * np.sqrt(0.5)
        + text_sd * rng.normal(size=(texts, replicates)) * np.sqrt(0.5)
    )
    draws = Ratios(values, np.ones_like(values)).over(text_weights(texts, 400, number))
    return interval(mean_of([draws], number).draws, 0.95)


@pytest.mark.parametrize("replicates", [3, 5, 10])
@pytest.mark.parametrize(
    ("seed_sd", "text_sd"),
    [(1.0, 0.0), (1.0, 4.0), (0.0, 4.0)],
    ids=["seeds vary", "both vary", "texts vary"],
)
def test_the_interval_covers_a_mean_about_as_often_as_it_says(
    replicates: int, seed_sd: float, text_sd: float
) -> None:
    found = [simulated(replicates, seed_sd, text_sd, number) for number in range(300)]
    assert np.mean([f.low <= 0 <= f.high for f in found]) > 0.91  # 0.95, less three errors
    assert np.mean([f.p < 0.05 for f in found]) < 0.09


@pytest.mark.parametrize("sds", [(1, 1), (1, 1, 1, 4)], ids=["alike", "one varies more"])
@pytest.mark.parametrize("replicates", [3, 10])
def test_the_interval_over_data_sets_covers_too(sds: tuple[float, ...], replicates: int) -> None:
    rng = np.random.default_rng(replicates)
    p = []
    for _ in range(1500):
        effects = [rng.normal(0, sd, replicates) for sd in sds]
        error, df = seed_error(effects)
        mean = np.mean([own.mean() for own in effects])
        p.append(2 * stats.t.sf(abs(mean) / error, df))
    # Pooling the variances would call 9.7 % of studies in the worst of these.
    assert 0.025 < np.mean(np.array(p) < 0.05) < 0.075


def test_the_interval_widens_with_the_variance_of_seeds_and_of_texts() -> None:
    def width(**changes: float) -> float:
        settings = {"replicates": 3, "seed_sd": 0.3, "text_sd": 1.0} | changes
        found = [simulated(**settings, number=number) for number in range(30)]
        return float(np.mean([f.high - f.low for f in found]))

    assert width(seed_sd=0.0) < width() < width(seed_sd=1.0)
    assert width(text_sd=0.1) < width() < width(text_sd=4.0)
    assert width(replicates=10) < width()
    assert width(texts=600) < width()


def test_the_estimate_is_the_plain_mean_and_resampling_is_seeded() -> None:
    values = np.random.default_rng(0).normal(size=(50, 3))
    draws = Ratios(values, np.ones_like(values)).over(text_weights(50, 200, 1))
    one, again, other = (mean_of([draws], key).draws for key in (1, 1, 2))
    assert (one == again).all() and (one != other).any()
    assert one[0] == pytest.approx(values.mean())
    assert (text_weights(50, 20, 1) == text_weights(50, 20, 1)).all()
    assert (text_weights(50, 20, 1).sum(1) == 50).all()


def test_resampled_ratios_are_those_of_the_texts_taken_one_by_one() -> None:
    rng = np.random.default_rng(4)
    numerator, denominator = rng.normal(size=(12, 3)), rng.integers(0, 4, (12, 3)).astype(float)
    weights = text_weights(12, 5, 1)
    for shared in (False, True):
        below = np.repeat(denominator[:, :1], 3, axis=1) if shared else denominator
        found = Ratios(numerator, below).over(weights)
        for b, run in np.ndindex(6, 3):
            drawn = np.repeat(np.arange(12), weights[b].astype(int))
            expected = numerator[drawn, run].sum() / below[drawn, run].sum()
            assert found[b, run] == pytest.approx(expected)


def test_a_text_in_which_a_ratio_is_undefined_does_not_count() -> None:
    numerator, denominator = np.array([[2.0], [0.0], [6.0]]), np.array([[1.0], [0.0], [2.0]])
    weights = np.array([[1, 1, 1], [1, 5, 0]])
    np.testing.assert_allclose(Ratios(numerator, denominator).over(weights), [[8 / 3], [2.0]])


def test_an_effect_is_less_probable_the_further_its_draws_are_from_none() -> None:
    draws = np.random.default_rng(0).normal(size=1001)
    found = [interval(draws + shift, 0.95) for shift in (0, 1, 2, 5)]
    assert found[0].p > 0.5 > found[1].p > found[2].p > found[3].p == pytest.approx(2 / 1001)
    for result, shift in zip(found, (0, 1, 2, 5), strict=True):
        assert result.low == pytest.approx(shift - 1.96, abs=0.2)
        assert result.high == pytest.approx(shift + 1.96, abs=0.2)


def test_an_effect_of_zero_in_every_draw_is_none_and_one_at_the_margin_is_not_within() -> None:
    assert interval(np.zeros(101), 0.95) == (0, 0, 0, 1)
    for margin in (-0.05, 0.05):
        assert equivalence_p(np.full(101, margin), 0.05) == 1


@pytest.mark.parametrize("n", [2, 3, 10])
def test_a_plain_interval_is_that_of_the_t_test(n: int) -> None:
    values = 0.3 + np.random.default_rng(n).normal(size=n)
    known = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert t_interval(values, 0.9) == pytest.approx((values.mean(), known.low, known.high))
    assert (
        np.isnan(t_interval(values[:1], 0.9)[1:]).all()
        and np.isnan(t_interval(values[:0], 0.9)).all()
    )
