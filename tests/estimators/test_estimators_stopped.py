"""Estimators that are stopped and go on are those that were not: weights, curves, scores, draws of their generator."""

import signal

import numpy as np
import pytest
from interrupted import in_pieces
from sklearn.exceptions import ConvergenceWarning

from regnet import (
    Adam,
    CheckpointWarning,
    CheckpointWriteError,
    EarlyStopping,
    Interrupted,
    MLPClassifier,
    MLPRegressor,
)
from regnet.training import checkpoint as module

RNG = np.random.default_rng(1)
X = RNG.normal(size=(40, 3))
VALUES = X @ RNG.normal(size=3) + 0.1 * RNG.normal(size=40)
CLASSES = np.where(VALUES > 0, "yes", "no")
ATTRIBUTES = (
    "coefs_", "intercepts_", "loss_curve_", "loss_", "best_loss_", "n_iter_", "t_", "validation_scores_",
    "best_validation_score_", "kkt_residual_", "_no_improvement_count",
)  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def assert_same(found, whole):
    for name in ATTRIBUTES:
        assert hasattr(found, name) == hasattr(whole, name)
        mine, theirs = getattr(found, name, None), getattr(whole, name, None)
        if isinstance(mine, list) and name in ("coefs_", "intercepts_"):
            for one, other in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(one, other)
        else:
            assert (mine is None) == (theirs is None)
            np.testing.assert_array_equal(np.asarray(mine, dtype=float), np.asarray(theirs, dtype=float))


def check(path, kind, y, portions=2, steps=2, fit=None, **settings):
    settings = {"hidden_layer_sizes": (4,), "max_iter": 8, "batch_size": 7, "random_state": 0} | settings
    whole = kind(**settings).fit(X, y, **(fit or {}))
    found, stops = in_pieces(lambda: kind(**settings).fit(X, y, checkpoint=path, **(fit or {})), portions, steps)
    assert_same(found, whole)
    if hasattr(whole, "history_"):
        assert found.history_.to_dicts() == whole.history_.to_dicts()
    return stops


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.checkpoint"


SETTINGS = {
    "adam": {},
    "all rows": {"batch_size": 40},
    "one batch too many": {"batch_size": 39},
    "unshuffled": {"shuffle": False},
    "momentum": {"solver": "sgd", "learning_rate_init": 0.05},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05, "max_iter": 40, "n_iter_no_change": 1,
        "tol": 1e-2,
    },
    "an optimizer": {"solver": Adam(0.01), "n_iter_no_change": np.inf},
    "scores": {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 60, "learning_rate_init": 0.05},
    "records": {"early_stopping": EarlyStopping(patience=2), "max_iter": 30, "learning_rate_init": 0.05},
    "dropout": {"dropout": 0.2},
    "penalties": {"weight_l1": 1e-2, "input_l1": 1e-3, "alpha": 0.1},
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_settings(path, kind, name):
    stops = check(path, kind, CLASSES if kind is MLPClassifier else VALUES, **SETTINGS[name])
    assert stops > 0


@pytest.mark.parametrize("portions", [1, 2, 3])
@pytest.mark.parametrize("steps", [1, 5, 1000])
def test_any_place(path, portions, steps):
    fit = {"log_every": 3, "validation_data": (X[:9], CLASSES[:9])}
    check(path, MLPClassifier, CLASSES, portions, steps, fit=fit)


def test_a_generator_is_left_where_it_would_be(path):
    def generator():
        return np.random.RandomState(5)

    settings = {"hidden_layer_sizes": (4,), "max_iter": 6, "batch_size": 7}
    rng = generator()
    whole = MLPRegressor(random_state=rng, **settings).fit(X, VALUES)
    left = []

    def train():
        left[:] = [generator()]
        return MLPRegressor(random_state=left[0], **settings).fit(X, VALUES, checkpoint=path)

    found, stops = in_pieces(train, 2, 2)
    assert stops > 1
    assert_same(found, whole)
    assert left[0].randint(2**31) == rng.randint(2**31)


def test_more_epochs_than_before(path):
    settings = {"hidden_layer_sizes": (4,), "random_state": 0, "batch_size": 7}
    MLPRegressor(max_iter=3, **settings).fit(X, VALUES, checkpoint=path)
    found = MLPRegressor(max_iter=7, **settings).fit(X, VALUES, checkpoint=path)
    assert_same(found, MLPRegressor(max_iter=7, **settings).fit(X, VALUES))
    with pytest.warns(ConvergenceWarning, match="Maximum iterations .7"):
        again = MLPRegressor(max_iter=7, **settings).fit(X, VALUES, checkpoint=path)
    assert_same(again, found)


def test_another_problem(path):
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    MLPRegressor(**settings).fit(X, VALUES, checkpoint=path)
    for change, said in (
        ({"tol": 1.0}, "tol .was 0.0001, and is 1.0."),
        ({"random_state": 1}, "first weights, .*random_state.*An integer random_state gives every run the same"),
        ({"weight_l1": 0.1}, "penalties, weight_l1 .was None, and is 0.1."),
    ):
        with pytest.raises(ValueError, match=f"these differ: .*{said}"):
            MLPRegressor(**(settings | change)).fit(X, VALUES, checkpoint=path)


@pytest.mark.parametrize("solver", ["lbfgs", "fista"])
def test_solvers_without_steps(path, solver):
    with pytest.raises(ValueError, match=f"checkpoint is written between steps, and solver='{solver}'.*leave it out"):
        MLPRegressor(solver=solver).fit(X, VALUES, checkpoint=path)


def test_a_last_writing_that_fails_leaves_a_fitted_estimator(path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_container", full)
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    found = MLPRegressor(**settings)
    with (
        pytest.warns(CheckpointWarning, match="No space left on device"),
        pytest.raises(CheckpointWriteError, match=r"run.checkpoint"),
    ):
        found.fit(X, VALUES, checkpoint=path)
    assert_same(found, MLPRegressor(**settings).fit(X, VALUES))


@pytest.fixture
def ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda epoch: lambda record, model: record.epoch == epoch and signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_keeps_what_has_been_learnt(ctrl_c):
    """scikit-learn's habit; the weights are those after a step."""
    settings = {"hidden_layer_sizes": (4,), "random_state": 0, "batch_size": 40}
    found = MLPRegressor(**settings)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        found.fit(X, VALUES, callbacks=[ctrl_c(3)])
    assert found.n_iter_ in (3, 4)
    for one, other in zip(found.coefs_, MLPRegressor(max_iter=4, **settings).fit(X, VALUES).coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_ctrl_c_with_a_checkpoint_stops(ctrl_c, path):
    settings = {"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 6}
    with pytest.raises(Interrupted, match="SIGINT"):
        MLPRegressor(**settings).fit(X, VALUES, callbacks=[ctrl_c(3)], checkpoint=path)
    found = MLPRegressor(**settings).fit(X, VALUES, checkpoint=path, log_every=1)
    assert_same(found, MLPRegressor(**settings).fit(X, VALUES))
