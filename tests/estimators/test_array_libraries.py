"""Estimators on the arrays of other libraries, and with another backend."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from conftest import missing, need, placement, to_numpy
from sklearn.base import clone
from twins import BINARY, IRIS, VALUES, X

from regnet import Adam, MLPClassifier, MLPRegressor, config_context

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_host_data_on_another_backend(backend):
    if missing(backend):
        pytest.skip(missing(backend))
    settings = {"hidden_layer_sizes": (5,), "solver": "fista", "input_l1": 0.05, "random_state": 0, "max_iter": 50}
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


def test_shapes_of_device_arrays(namespace):
    here = placement(namespace)
    table, y = here.put(X), here.put(VALUES)
    with pytest.raises(ValueError, match=r"1d or 2d|dim 3"):
        MLPRegressor(max_iter=1).fit(table, here.put(np.zeros((60, 1, 1))))
    weighted = MLPRegressor(max_iter=1, random_state=0).fit(table, y, 2.0)
    plain = MLPRegressor(max_iter=1, random_state=0, alpha=5e-5).fit(table, y)
    np.testing.assert_allclose(to_numpy(here, weighted.coefs_[0]), to_numpy(here, plain.coefs_[0]), rtol=1e-9)


def test_frames_follow_the_environment_and_keep_their_names():
    polars = need("polars")
    x, y = IRIS
    frame = polars.DataFrame(x, schema=["a", "b", "c", "d"])
    fitted = MLPClassifier((5,), solver="fista", input_l1=0.05, max_iter=500, random_state=0).fit(frame, y)
    assert fitted.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame.rename({"a": "z"}))
    small = fitted.compact()
    kept = [name for name, used in zip("abcd", fitted.selected_features_, strict=True) if used]
    assert small.feature_names_in_.tolist() == kept
    assert (small.predict(frame.select(kept)) == fitted.predict(frame)).all()


def test_arrays_stay_where_they_are(namespace):
    """Fit and predict in the array's own library: what comes back lives there, with NumPy's values.

    Classes by L-BFGS and values by steps: what a target means and what trains know nothing of one another.
    """
    import array_api_strict

    here, (x, y) = placement(namespace), IRIS
    with array_api_strict.ArrayAPIStrictFlags(boolean_indexing=True, data_dependent_shapes=True):
        steps = {"input_l1": 0.01, "solver": Adam(0.01), "batch_size": 50}
        for cls, target, settings in (
            (MLPClassifier, y, {"solver": "lbfgs"}), (MLPRegressor, x[:, 0] * 2 + y, steps)
        ):  # fmt: skip
            ours = cls(hidden_layer_sizes=(6,), max_iter=8, random_state=0, **settings)
            expected = clone(ours).fit(x, target)
            table, labels = here.put(x), here.put(target, "int64" if cls is MLPClassifier else None)
            ours.fit(table, labels)
            for name in ("predict", "predict_proba") if cls is MLPClassifier else ("predict",):
                got = getattr(ours, name)(table)
                assert type(got) is type(table)
                np.testing.assert_allclose(here.backend.to_numpy(got), getattr(expected, name)(x), atol=1e-8)
            assert type(ours.coefs_[0]) is type(table)
            assert ours.score(table, labels) == pytest.approx(expected.score(x, target), abs=1e-8)
            small = ours.compact()
            np.testing.assert_allclose(here.backend.to_numpy(small.predict(table)), expected.predict(x), atol=1e-8)
