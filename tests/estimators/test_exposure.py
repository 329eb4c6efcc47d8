"""Exposures: against the objective with an offset, written out and minimised by SciPy."""

import pickle

import numpy as np
import pytest
import sklearn
from conftest import placement
from scipy.optimize import minimize
from scipy.special import xlogy
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import make_scorer, mean_poisson_deviance, r2_score
from sklearn.model_selection import KFold, cross_validate
from sklearn.preprocessing import StandardScaler

from regnet import Gamma, MLPClassifier, MLPRegressor, MLPRegressorCV, Poisson, Tweedie, path

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 4))
EXPOSURE = RNG.uniform(0.1, 5.0, 400)
MEAN = EXPOSURE * np.exp(0.5 * X[:, 0] - 0.4 * X[:, 1] - 1.0)
WEIGHT = RNG.uniform(0.5, 2.0, 400)
Y = {
    "poisson": RNG.poisson(MEAN).astype(float),
    "gamma": MEAN * RNG.gamma(4.0, 0.25, 400),
    "tweedie": np.where(RNG.random(400) < 0.3, 0.0, MEAN * RNG.gamma(4.0, 0.25, 400)),
}


def half_deviance(loss, y, mean):
    if loss == "poisson":
        return xlogy(y, y / mean) - y + mean
    if loss == "gamma":
        return np.log(mean / y) + y / mean - 1.0
    return y**0.5 / (-0.5 * 0.5) + y * mean**-0.5 / 0.5 + mean**0.5 / 0.5


def objective(loss, coefs, exposure, strength):
    mean = exposure * np.exp(X @ coefs[1:] + coefs[0])
    return np.average(half_deviance(loss, Y[loss], mean), weights=WEIGHT) + strength * (coefs[1:] ** 2).sum()


@pytest.mark.parametrize("unit", [1.0, 365.0])
@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
@pytest.mark.parametrize("loss", Y)
def test_a_linear_model_with_exposures_minimises_the_objective_with_an_offset(loss, solver, unit):
    """In days as in years, at the same strength; loss_ is that objective."""
    exposure = unit * EXPOSURE
    network = MLPRegressor(hidden_layer_sizes=(), loss=loss, solver=solver, weight_l2=0.1, tol=1e-9, max_iter=1000)
    found = network.fit(X, Y[loss], WEIGHT, exposure=exposure)
    expected = minimize(lambda one: objective(loss, one, exposure, 0.1), np.zeros(5), tol=1e-10)
    coefs = np.r_[found.intercepts_[0], found.coefs_[0][:, 0]]
    np.testing.assert_allclose(coefs, expected.x, atol=2e-5)
    np.testing.assert_allclose(found.loss_, objective(loss, coefs, exposure, 0.1), rtol=1e-9)
    rates = np.exp(X @ coefs[1:] + coefs[0])
    np.testing.assert_allclose(found.predict(X), rates, rtol=1e-12)
    np.testing.assert_allclose(found.predict(X, exposure=exposure), exposure * rates, rtol=1e-12)
    np.testing.assert_allclose(found.predict(X, offset=np.log(exposure)), exposure * rates, rtol=1e-12)


def test_an_offset_is_the_logarithm_of_an_exposure():
    network = MLPRegressor(hidden_layer_sizes=(4,), loss="poisson", max_iter=5, random_state=0)
    one = network.fit(X, Y["poisson"], exposure=EXPOSURE).predict(X)
    other = network.fit(X, Y["poisson"], offset=np.log(EXPOSURE)).predict(X)
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_equal_exposures_change_rates_alone():
    """By the exposure, exactly: the training is that of the counts."""
    network = MLPRegressor(hidden_layer_sizes=(4,), loss="poisson", weight_l1=1e-3, max_iter=5, random_state=0)
    counts = network.fit(X, Y["poisson"]).predict(X)
    rates = network.fit(X, Y["poisson"], exposure=np.full(400, 4.0))
    np.testing.assert_allclose(rates.predict(X), counts / 4.0, rtol=1e-12)
    np.testing.assert_allclose(rates.predict(X, exposure=np.full(400, 4.0)), counts, rtol=1e-12)


def test_several_outputs_have_one_exposure():
    both = np.column_stack([Y["poisson"], 2 * Y["poisson"]])
    settings = {"hidden_layer_sizes": (), "loss": "poisson", "solver": "newton", "weight_l2": 0.01, "tol": 1e-10}
    found = MLPRegressor(**settings).fit(X, both, exposure=EXPOSURE)
    for column in range(2):
        alone = MLPRegressor(**settings).fit(X, both[:, column], exposure=EXPOSURE)
        np.testing.assert_allclose(
            found.predict(X, exposure=EXPOSURE)[:, column], alone.predict(X, exposure=EXPOSURE), rtol=1e-6
        )


def test_training_goes_on_from_rates_of_the_same_unit():
    """The first loss of a further call is where the last one ended, whatever its rows' mean exposure."""
    network = MLPRegressor(
        hidden_layer_sizes=(8,), loss="poisson", solver="fista", warm_start=True, max_iter=2000, tol=1e-7
    )
    first = network.fit(X, Y["poisson"], exposure=EXPOSURE)
    coefs, again = first.predict(X), network.set_params(max_iter=1, tol=1e3).fit(X, Y["poisson"], exposure=EXPOSURE)
    np.testing.assert_allclose(again.predict(X), coefs, rtol=1e-3)


def test_arrays_of_other_libraries(namespace):
    if namespace.startswith("strict"):
        pytest.skip("estimators take arrays of the libraries that have a backend")
    where = placement(namespace)
    put = where.put
    network = MLPRegressor(
        hidden_layer_sizes=(4,), loss="gamma", solver="fista", weight_l2=0.01, max_iter=50, random_state=0
    )
    expected = network.fit(X, Y["gamma"], WEIGHT, exposure=EXPOSURE).predict(X, exposure=EXPOSURE)
    found = network.fit(put(X), put(Y["gamma"]), WEIGHT, exposure=put(EXPOSURE))
    values = found.predict(put(X), exposure=put(EXPOSURE))
    assert where.backend.owns(values)
    np.testing.assert_allclose(where.backend.to_numpy(values), expected, rtol=1e-6)


@pytest.mark.parametrize("preprocessed", [False, True])
def test_a_search_with_exposures_is_one_of_weighted_rates(preprocessed):
    """scikit-learn's own way to write it, PoissonRegressor(y / e, sample_weight=e), at the chosen strength."""
    front = StandardScaler() if preprocessed else None
    search = MLPRegressorCV(
        (), loss="poisson", penalty="weight_l2", preprocessor=front, standardize=False, lambdas=(0.01, 0.1), cv=3,
        keep_predictions=True, random_state=0,
    )  # fmt: skip
    found = search.fit(X, Y["poisson"], exposure=EXPOSURE)
    table = StandardScaler().fit_transform(X) if preprocessed else X
    # Their loss is an average by the weights, which multiplies the deviance of y by n / sum(e).
    alpha = 2 * found.lambda_ / EXPOSURE.mean()
    peer = PoissonRegressor(alpha=alpha, tol=1e-10, max_iter=10_000)
    peer.fit(table, Y["poisson"] / EXPOSURE, sample_weight=EXPOSURE)
    np.testing.assert_allclose(found.predict(X), peer.predict(table), rtol=1e-5)
    np.testing.assert_allclose(found.predict(X, exposure=EXPOSURE), peer.predict(table) * EXPOSURE, rtol=1e-5)
    for number in range(0 if preprocessed else 3):
        own, other = found.test_folds_ != number, found.test_folds_ == number
        peer.fit(X[own], Y["poisson"][own] / EXPOSURE[own], sample_weight=EXPOSURE[own])
        rates = found.cv_predictions_[found.best_index_, other, 0]
        np.testing.assert_allclose(rates, peer.predict(X[other]), rtol=1e-5)
    scores = found.cv_scores_.copy()
    days = search.fit(X, Y["poisson"], exposure=365 * EXPOSURE)
    np.testing.assert_allclose(days.cv_scores_, scores, rtol=1e-6)


def test_held_out_rates_are_scored_as_deviances_of_counts():
    search = MLPRegressorCV(
        (), loss="poisson", penalty="weight_l2", lambdas=(0.01, 0.1), cv=3, scoring="neg_mean_poisson_deviance",
        keep_predictions=True, random_state=0,
    ).fit(X, Y["poisson"], exposure=EXPOSURE)  # fmt: skip
    held_out = search.test_folds_ == 0
    counts = EXPOSURE[held_out] * search.cv_predictions_[0, held_out, 0]
    deviance = mean_poisson_deviance(Y["poisson"][held_out], counts) * held_out.sum() / EXPOSURE[held_out].sum()
    np.testing.assert_allclose(search.cv_scores_[0, 0, 0], -deviance, rtol=1e-9)


def test_scores_are_of_rates_by_their_exposure():
    """Counts were compared with rates, silently, by cross_validate too."""
    network = MLPRegressor(hidden_layer_sizes=(), loss="poisson", solver="newton", weight_l2=0.01)
    found = network.fit(X, Y["poisson"], WEIGHT, exposure=EXPOSURE)
    rates = Y["poisson"] / EXPOSURE
    expected = r2_score(rates, found.predict(X), sample_weight=WEIGHT * EXPOSURE)
    assert found.score(X, Y["poisson"], WEIGHT, exposure=EXPOSURE) == pytest.approx(expected, rel=1e-9)
    assert found.score(X, Y["poisson"], WEIGHT, offset=np.log(EXPOSURE)) == pytest.approx(expected, rel=1e-9)
    assert found.score(X, rates, WEIGHT * EXPOSURE, exposure=1.0) == pytest.approx(expected, rel=1e-9)
    with pytest.raises(ValueError, match="fit was given exposures, so that rates are predicted"):
        found.score(X, Y["poisson"])
    again = pickle.loads(pickle.dumps(found))
    with pytest.raises(ValueError, match="fit was given exposures"):
        again.score(X, Y["poisson"])
    assert np.isfinite(found.fit(X, Y["poisson"]).score(X, Y["poisson"]))


@pytest.mark.parametrize("preprocessed", [False, True])
def test_scikit_learn_routes_exposures(preprocessed):
    settings = {"lambdas": (0.01, 0.1), "cv": 3, "random_state": 0, "penalty": "weight_l2", "loss": "poisson"}
    search = MLPRegressorCV((), preprocessor=StandardScaler() if preprocessed else None, **settings)
    with sklearn.config_context(enable_metadata_routing=True):
        search.set_fit_request(exposure=True).set_score_request(exposure=True)
        found = cross_validate(search, X, Y["poisson"], params={"exposure": EXPOSURE}, cv=KFold(3))
    for score, (train, test) in zip(found["test_score"], KFold(3).split(X), strict=True):
        own = search.fit(X[train], Y["poisson"][train], exposure=EXPOSURE[train])
        rates = Y["poisson"][test] / EXPOSURE[test]
        expected = r2_score(rates, own.predict(X[test]), sample_weight=EXPOSURE[test])
        assert score == pytest.approx(expected, rel=1e-9)


def test_a_routed_scorer_has_the_weights_of_rates():
    settings = {"penalty": "weight_l2", "lambdas": (0.01, 0.1), "cv": 3, "random_state": 0, "loss": "poisson"}
    plain = MLPRegressorCV((), scoring=make_scorer(r2_score), **settings)
    expected = plain.fit(X, Y["poisson"], WEIGHT, exposure=EXPOSURE).cv_scores_
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_scorer(r2_score).set_score_request(sample_weight=True)
        search = MLPRegressorCV((), scoring=scorer, **settings).set_fit_request(sample_weight=True, exposure=True)
        found = search.fit(X, Y["poisson"], sample_weight=WEIGHT, exposure=EXPOSURE).cv_scores_
    np.testing.assert_array_equal(found, expected)


def test_inputs_are_standardised_by_the_weights_of_rows_alone():
    """As where an offset is added to the output: exposures are part of the loss, and none of the table's."""
    share = WEIGHT / WEIGHT.sum()
    centred = X - share @ X
    table = centred / np.sqrt(share @ centred**2)
    network = MLPRegressor(hidden_layer_sizes=(), loss="poisson", solver="newton", tol=1e-10)
    given = {"lambdas": (0.02, 0.1), "sample_weight": WEIGHT, "exposure": EXPOSURE}
    ours = path(network, X, Y["poisson"], **given).estimators
    theirs = path(network, table, Y["poisson"], standardize=False, **given).estimators
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.predict(X), other.predict(table), rtol=1e-7)


@pytest.mark.parametrize("network", [MLPRegressor(loss="poisson"), MLPRegressorCV(loss="poisson")], ids=str)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"offset": EXPOSURE, "exposure": EXPOSURE}, "give one of them"),
        ({"exposure": EXPOSURE[:-1]}, r"exposure has the shape \(399,\), but X has 400 rows"),
        ({"exposure": np.r_[0.0, EXPOSURE[1:]]}, "exposure must be finite and above 0"),
        ({"offset": np.r_[np.nan, EXPOSURE[1:]]}, "offset must lie between -200 and 200"),
        ({"offset": np.r_[800.0, EXPOSURE[1:]]}, "offset must lie between -200 and 200"),
    ],
)
def test_what_is_no_exposure(network, given, message):
    with pytest.raises(ValueError, match=message):
        network.fit(X, Y["poisson"], **given)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
def test_losses_without_rates(loss):
    with pytest.raises(ValueError, match="has no rates that an exposure multiplies"):
        MLPRegressor(loss=loss).fit(X, Y["poisson"], exposure=EXPOSURE)


def test_where_exposures_have_no_place():
    with pytest.raises(TypeError, match="exposure holds text"):
        MLPRegressor(loss="poisson").fit(X, Y["poisson"], exposure=["a"] * 400)
    with pytest.raises(ValueError, match="validation_data has no exposures"):
        path(MLPRegressor(loss="poisson"), X, Y["poisson"], exposure=EXPOSURE, validation_data=(X, Y["poisson"]))
    with pytest.raises(TypeError, match="exposure"):
        MLPClassifier().fit(X, X[:, 0] > 0, exposure=EXPOSURE)
    with pytest.raises(ValueError, match="validation_data has no exposures"):
        MLPRegressor(loss="poisson").fit(X, Y["poisson"], exposure=EXPOSURE, validation_data=(X, Y["poisson"]))


@pytest.mark.parametrize("loss", [Gamma(), Tweedie(1.2), Poisson()], ids=str)
def test_objects_of_the_losses_have_exposures(loss):
    found = MLPRegressor(hidden_layer_sizes=(), loss=loss, solver="newton").fit(X, Y["gamma"], exposure=EXPOSURE)
    np.testing.assert_allclose(found.predict(X, exposure=EXPOSURE).sum(), Y["gamma"].sum(), rtol=0.1)
