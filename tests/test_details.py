"""Corners where an estimator could quietly go another way than scikit-learn's, or break: one test each."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
from conftest import missing, placement, to_numpy
from scipy import sparse
from sklearn import neural_network
from sklearn.exceptions import NotFittedError

from regnet import SGD, Adam, EarlyStopping, MLPClassifier, MLPRegressor, config_context, get_backend
from regnet.commands import app as cli
from regnet_numpy.threads import blas_libraries

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
THEIRS = {MLPClassifier: neural_network.MLPClassifier, MLPRegressor: neural_network.MLPRegressor}
RNG = np.random.RandomState(0)
X = RNG.randn(60, 4)
BINARY = (X[:, 0] + 0.3 * RNG.randn(60) > 0).astype(int)
CLASSES = np.digitize(X[:, 1], [-0.5, 0.5])
VALUES = X @ [1, 2, 0, -1] + 0.1 * RNG.randn(60)
LABELS = (X[:, :3] > 0) * 1


def both(ours, **settings):
    settings = {"hidden_layer_sizes": (5,), "random_state": 0, **settings}
    return THEIRS[ours](**settings), ours(**settings)


def same(a, b, rtol=1e-7):
    for left, right in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_allclose(right, left, rtol=rtol, atol=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_early_stopping_keeps_the_first_of_equal_scores(seed):
    """The share of hits must not depend on the order in which they are added up."""
    rng = np.random.RandomState(seed)
    x = rng.randn(130, 4)
    y = np.digitize(x[:, 0] + 1.5 * rng.randn(130), [-0.5, 0.5])
    a, b = both(
        MLPClassifier, early_stopping=True, validation_fraction=0.3, max_iter=60, learning_rate_init=0.01,
        n_iter_no_change=15,
    )  # fmt: skip
    a.fit(x, y), b.fit(x, y)
    assert b.validation_scores_ == a.validation_scores_
    same(a, b)


def test_early_stopping_records_of_equal_metric_are_no_improvement():
    x, y = np.random.RandomState(3).randn(130, 4), np.arange(130) % 3
    rule = EarlyStopping(patience=5, monitor="metric")
    model = MLPClassifier((5,), early_stopping=rule, random_state=0, max_iter=100, learning_rate_init=1e-9)
    assert model.fit(x, y, validation_data=(x[:41], y[:41])).n_iter_ == 5


@pytest.mark.parametrize(
    "settings", [{}, {"solver": "sgd", "learning_rate": "invscaling"}, {"shuffle": False}], ids=str
)
def test_partial_fit_on_chunks_of_different_sizes(settings):
    x = np.random.RandomState(0).randn(1500, 4)
    y = (x[:, 0] > 0) * 1
    a, b = both(MLPClassifier, learning_rate_init=0.01, **settings)
    for start, stop in [(0, 500), (500, 900), (900, 1500), (0, 130)]:
        for one in (a, b):
            one.partial_fit(x[start:stop], y[start:stop], classes=[0, 1])
    np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=1e-9)
    same(a, b)


def test_invscaling_falls_without_a_stopping_rule():
    a, b = both(
        MLPRegressor, solver="sgd", learning_rate="invscaling", learning_rate_init=0.1, n_iter_no_change=np.inf,
        max_iter=50,
    )  # fmt: skip
    same(a.fit(X, VALUES), b.fit(X, VALUES))
    assert b.best_loss_ == pytest.approx(a.best_loss_, rel=1e-9)
    steep = MLPRegressor(
        hidden_layer_sizes=(5,), solver="sgd", learning_rate="invscaling", power_t=20.0, random_state=0, max_iter=30
    )
    assert np.isfinite(steep.fit(X.astype(np.float32), VALUES).loss_)


@pytest.mark.parametrize("kind", ["constant", "one class"])
def test_early_stopping_on_targets_that_do_not_vary(kind):
    ours, y = (MLPRegressor, np.full(60, 3.1)) if kind == "constant" else (MLPClassifier, np.ones(60))
    a, b = both(ours, early_stopping=True, max_iter=40, validation_fraction=0.3, n_iter_no_change=5)
    a.fit(X, y), b.fit(X, y)
    assert b.validation_scores_ == a.validation_scores_
    same(a, b)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_keeps_its_optimizer(solver):
    a, b = both(MLPClassifier, solver=solver)
    for one in (a, b):
        one.partial_fit(X, BINARY, classes=[0, 1])
        one.set_params(learning_rate_init=0.5, beta_1=0.1, momentum=0.1, learning_rate="invscaling")
        one.partial_fit(X, BINARY)
        one.set_params(solver="sgd" if solver == "adam" else "adam").partial_fit(X, BINARY)
    same(a, b)


def test_types_of_floating_point():
    single = X.astype(np.float32)
    a, b = both(MLPClassifier, max_iter=5)
    a.fit(single, BINARY), b.fit(single, BINARY)
    for table in (X, single, X.tolist(), np.rint(X).astype(int), X * 1e39):
        got, expected = b.predict_proba(table), a.predict_proba(table)
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, atol=1e-5)
    a, b = both(MLPRegressor, solver="lbfgs", max_iter=30)
    a.fit(single, VALUES), b.fit(single, VALUES)
    same(a, b, rtol=1e-3)
    assert b.coefs_[0].dtype == np.float64
    for first, second in ((X, single), (single, X)):
        a, b = both(MLPClassifier)
        for one in (a, b):
            one.partial_fit(first, BINARY, classes=[0, 1]).partial_fit(second, BINARY)
        assert b.coefs_[0].dtype == a.coefs_[0].dtype == first.dtype
    a, b = both(MLPRegressor, early_stopping=True, max_iter=20)
    a.fit(single, VALUES + 1e8), b.fit(single, VALUES + 1e8)
    np.testing.assert_allclose(b.validation_scores_, a.validation_scores_, rtol=1e-5)


def test_predictions_belong_to_the_fitted_loss():
    model = MLPRegressor(hidden_layer_sizes=(5,), max_iter=5, random_state=0).fit(X, np.abs(VALUES))
    before = model.predict(X)
    np.testing.assert_array_equal(model.set_params(loss="poisson").predict(X), before)


BAD_VALIDATION = {
    "unknown class": (MLPClassifier(), BINARY, (X, BINARY + 5), "not in `self.classes_`"),
    "other names": (MLPClassifier(), BINARY, (X, np.array(["a", "b"])[BINARY]), "not in `self.classes_`"),
    "labels": (MLPClassifier(), BINARY, (X, LABELS), "multilabel|not in `self.classes_`"),
    "outputs": (MLPRegressor(), np.c_[VALUES, VALUES], (X, VALUES), "y has 1 outputs, but y has 2 in fit"),
    "counts": (MLPRegressor(loss="poisson"), np.abs(VALUES), (X, VALUES), "valid range"),
    "features": (MLPRegressor(), VALUES, (X[:, :3], VALUES), "3 features"),
    "not a pair": (MLPRegressor(), VALUES, 5, "validation_data must be"),
}


@pytest.mark.parametrize("name", BAD_VALIDATION)
def test_validation_data_are_checked(name):
    model, y, held_out, message = BAD_VALIDATION[name]
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, validation_data=held_out, log_every=1)


def test_attributes_before_fit():
    for name in ("selected_features_", "sparsity_", "model_"):
        assert not hasattr(MLPClassifier(), name)
        with pytest.raises(NotFittedError, match="fit"):
            getattr(MLPClassifier(), name)


def test_fitted_attributes_are_of_the_last_call():
    held_out = MLPClassifier((5,), max_iter=3, random_state=0).fit(X, BINARY, validation_data=(X, BINARY))
    assert len(held_out.history_.column("validation_loss")) == 4
    model = MLPClassifier((5,), max_iter=3, random_state=0, warm_start=True).fit(X, BINARY, log_every=1)
    assert len(model.history_) == 4
    model.fit(X, BINARY)
    assert not hasattr(model, "history_")
    first = model.kkt_residual_
    small = model.compact()
    small.partial_fit(X, BINARY)
    assert len(model.loss_curve_) == 6
    model.partial_fit(X, BINARY)
    assert not hasattr(model, "kkt_residual_")
    assert first > 0


def test_compact_takes_tables_of_every_kind():
    y = X[:, 0] + X[:, 2]
    model = MLPRegressor(hidden_layer_sizes=(8,), solver="fista", input_l1=0.05, max_iter=500, random_state=0).fit(X, y)
    small = model.compact()
    assert 0 < small.n_features_in_ < 4
    for table in (X, X.tolist(), sparse.coo_matrix(X), sparse.csr_array(X), X[:, small.kept_inputs_].tolist()):
        np.testing.assert_allclose(small.predict(table), model.predict(X), atol=1e-12)
    small.set_params(solver="adam").partial_fit(X, y)
    assert small.predict(X).shape == (60,)
    small.set_params(warm_start=True, max_iter=2).fit(X, y)
    assert small.coefs_[0].shape[0] == small.n_features_in_
    small.set_params(warm_start=False).fit(X, y)
    assert small.n_features_in_ == 4


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_host_data_on_another_backend(backend):
    if missing(backend):
        pytest.skip(missing(backend))
    settings = {"hidden_layer_sizes": (5,), "solver": "fista", "input_l1": 0.05, "random_state": 0, "max_iter": 200}
    plain = MLPClassifier(**settings).fit(X, BINARY)
    with config_context(backend=backend):
        model = MLPClassifier(**settings).fit(X, BINARY)
        np.testing.assert_allclose(model.compact().predict_proba(X), plain.predict_proba(X), atol=1e-6)
        model.coefs_[0] *= 1.0  # an array that may be written to


@pytest.mark.skipif(bool(missing("jax")), reason=str(missing("jax")))
def test_jax_keeps_its_state_over_an_interrupt_and_a_copy():
    here = placement("jax")

    def stop(record, model):
        if record.epoch == 2:
            raise KeyboardInterrupt

    model = MLPClassifier((5,), random_state=0, max_iter=5)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(here.put(X), here.put(BINARY, "int64"), callbacks=[stop])
    assert model.n_iter_ == 2
    twin = copy.copy(model)
    for one in (model, twin):
        one.partial_fit(here.put(X), here.put(BINARY, "int64"))
    with pytest.raises(ValueError, match="non-finite"):
        MLPRegressor().fit(here.put(X), here.put(VALUES * 1e300))


def test_a_batch_without_weight_changes_nothing_but_momentum():
    """The others have all of the weight, half as much again of it for a row as if they were alone."""
    weight = np.r_[np.zeros(20), np.ones(40)]
    common = {"hidden_layer_sizes": (5,), "shuffle": False, "batch_size": 20, "random_state": 0, "max_iter": 1}
    plain = {**common, "solver": "sgd", "momentum": 0.0, "alpha": 0.0}
    skipped = MLPClassifier(**plain, learning_rate_init=0.001).fit(X, BINARY, weight)
    without = MLPClassifier(**plain, learning_rate_init=0.0015).fit(X[20:], BINARY[20:])
    np.testing.assert_allclose(skipped.coefs_[0], without.coefs_[0], rtol=1e-12)
    assert np.isfinite(MLPClassifier(class_weight={0: 0, 1: 1}, batch_size=5, max_iter=5).fit(X, BINARY).loss_)


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_validation_data_of_another_library(name):
    if missing(name):
        pytest.skip(missing(name))
    here = placement(name)
    table, y = here.put(X), here.put(BINARY, "int64")
    options = {"hidden_layer_sizes": (5,), "max_iter": 2, "random_state": 0}
    expected = MLPClassifier(**options).fit(X, BINARY, validation_data=(X, BINARY), log_every=1)
    for train, held_out in (((table, y), (X, BINARY)), ((X, BINARY), (table, y))):
        model = MLPClassifier(**options).fit(*train, validation_data=held_out, log_every=1)
        got = model.history_.column("validation_loss")
        np.testing.assert_allclose(got, expected.history_.column("validation_loss"), rtol=1e-9)


def test_a_network_of_other_widths_is_not_trained_further():
    model = MLPClassifier((7,), max_iter=2, warm_start=True, random_state=0).fit(X, BINARY)
    with pytest.raises(ValueError, match=r"network 4-7-1, which cannot be trained further as 4-7-7-1"):
        model.set_params(hidden_layer_sizes=(7, 7)).fit(X, BINARY)
    model = MLPClassifier((7,), max_iter=2, random_state=0)
    with pytest.raises(ValueError, match="The object was not fitted with multilabel input"):
        model.partial_fit(X, CLASSES, classes=[0, 1, 2]).partial_fit(X, LABELS)
    with pytest.raises(ValueError, match="The object was fitted with multilabel input"):
        MLPClassifier((7,), max_iter=2).fit(X, LABELS).partial_fit(X, CLASSES)


def test_shapes_of_device_arrays(namespace):
    here = placement(namespace)
    table, y = here.put(X), here.put(VALUES)
    with pytest.raises(ValueError, match=r"1d or 2d|dim 3"):
        MLPRegressor(max_iter=1).fit(table, here.put(np.zeros((60, 1, 1))))
    weighted = MLPRegressor(max_iter=1, random_state=0).fit(table, y, 2.0)
    plain = MLPRegressor(max_iter=1, random_state=0, alpha=5e-5).fit(table, y)
    np.testing.assert_allclose(to_numpy(here, weighted.coefs_[0]), to_numpy(here, plain.coefs_[0]), rtol=1e-9)


def test_sparse_labels_come_back_sparse():
    a, b = both(MLPClassifier, max_iter=20)
    y = sparse.csr_matrix(LABELS)
    got, expected = b.fit(X, y).predict(X), a.fit(X, y).predict(X)
    assert type(got) is type(expected)
    assert (got != expected).nnz == 0


@pytest.mark.parametrize("ours", THEIRS)
def test_parameters_that_are_valid_but_unused(ours):
    for settings in ({"momentum": 1.0}, {"max_iter": 2, "power_t": 0.0}, {"validation_fraction": 0.0}):
        a, b = both(ours, **{"max_iter": 2, **settings})
        same(a.fit(X, BINARY), b.fit(X, BINARY))


def test_what_else_is_public():
    assert MLPClassifier().loss == neural_network.MLPClassifier().loss == "log_loss"
    assert not hasattr(MLPClassifier(solver="newton"), "partial_fit")
    fitted = MLPClassifier((5,), max_iter=3).fit(X, BINARY)
    assert type(fitted.loss_) is type(fitted.best_loss_) is type(fitted.loss_curve_[0]) is np.float64
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module="sklearn")  # as one silences scikit-learn's own
        for solver in ("adam", "lbfgs"):
            MLPClassifier((5,), solver=solver, max_iter=2).fit(X, BINARY)
    import sklearn

    with sklearn.config_context(skip_parameter_validation=True):
        assert MLPClassifier((5,), tol=np.float64(1e-4), max_iter=np.int64(2), epsilon=-1.0).fit(X, BINARY)


REFUSED = {
    "fractional width": (MLPClassifier((3.5,)), BINARY, {}, TypeError, "hidden_layer_sizes must be integers"),
    "text strength": (MLPClassifier(weight_l1=["a", 0]), BINARY, {}, TypeError, "weight_l1=.* give a number"),
    "fista overflow": (MLPRegressor(solver="fista"), VALUES * 1e200, {}, ValueError, "non-finite parameter weights"),
    "fista rule": (MLPClassifier(solver="fista", early_stopping=True), BINARY, {}, ValueError, "watches"),
    "text targets": (MLPRegressor(), CLASSES.astype(str), {}, TypeError, "numbers"),
    "negative weight": (MLPClassifier(), BINARY, {"sample_weight": -np.ones(60)}, ValueError, "not negative"),
    "negative class weight": (MLPClassifier(class_weight={0: -1, 1: 1}), BINARY, {}, ValueError, "not negative"),
    "classes without weight": (MLPClassifier(class_weight={0: 0, 1: 0}), BINARY, {}, ValueError, "not all 0"),
    "callbacks of lbfgs": (MLPClassifier(solver="lbfgs"), BINARY, {"callbacks": [print]}, ValueError, "watches epochs"),
    "log of fista": (MLPClassifier(solver="fista"), BINARY, {"log_every": 1}, ValueError, "watches epochs"),
    "rule of lbfgs": (
        MLPClassifier(solver="lbfgs", early_stopping=EarlyStopping()), BINARY, {}, ValueError, "early_stopping watches",
    ),
    "log_every": (MLPClassifier(), BINARY, {"log_every": -1}, ValueError, "log_every=-1"),
    "callbacks": (MLPClassifier(), BINARY, {"callbacks": print}, TypeError, "list of functions"),
    "two axes": (MLPClassifier(weight_l1=[[1.0]]), BINARY, {}, ValueError, "weight_l1 has 2 axes"),
    "factor": (MLPClassifier(penalty_factor=[1, 1, -1, 1]), BINARY, {}, ValueError, "negative or not finite"),
    "classes": (MLPClassifier(), LABELS, {"classes": [0, 1]}, ValueError, "classes not in"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    model, y, options, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        (model.partial_fit if "classes" in options else model.fit)(X, y, **options)


def test_learning_rates_are_positive():
    for make in (lambda: Adam(0.0), lambda: SGD(-1.0), lambda: Adam([0.1, float("nan")])):
        with pytest.raises(ValueError, match="must be positive"):
            make()


def test_an_early_stopping_object_replaces_the_rule_of_tol():
    rule = EarlyStopping(patience=100)
    model = MLPClassifier((5,), early_stopping=rule, tol=1.0, max_iter=40, random_state=0)
    assert model.fit(X, BINARY, validation_data=(X, BINARY)).n_iter_ == 40


@pytest.mark.parametrize("rows", [1, 500])
def test_every_prediction_opens_the_session_of_its_backend(rows, rng, monkeypatch):
    """It is the backend that knows what a small one can do without: CuPy's device is not such a thing."""
    fitted = MLPRegressor(hidden_layer_sizes=(20,), max_iter=2, random_state=0)
    X = rng.standard_normal((500, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted.fit(X, X[:, 0])
    model, opened = fitted.model_, []
    backend = type(model.placement.backend)
    session = backend.session

    def watch(self, device=None, /, *, elements=None):
        opened.append(elements)
        return session(self, device, elements=elements)

    monkeypatch.setattr(backend, "session", watch)
    fitted.predict(X[:rows])
    assert opened == [20 * rows]
    model.outputs(X[:rows])
    assert opened == [20 * rows] * 2


def test_a_small_prediction_leaves_blas_as_it_is():
    backend = get_backend("numpy")
    before = [library["num_threads"] for library in blas_libraries()]
    with backend.session(elements=100):
        assert [library["num_threads"] for library in blas_libraries()] == before
    with backend.session(elements=100_000):
        assert {library["num_threads"] for library in blas_libraries()} == {1}


def test_too_little_memory_is_one_line_on_the_command_line(monkeypatch, capsys):
    def full():
        raise MemoryError("A step of 9 rows takes about 9 GiB: give a smaller batch_size.")

    monkeypatch.setattr(cli, "app", full)
    monkeypatch.setattr(cli.warnings, "showwarning", cli.warnings.showwarning)  # main sets it
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "regnet: error: A step of 9 rows takes about 9 GiB: give a smaller batch_size.\n"


@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
def test_backends_can_be_sent_to_another_process(name):
    if missing(name):
        pytest.skip(missing(name))
    assert pickle.loads(pickle.dumps(get_backend(name))).name == name
