"""Labels and class numbers of every type are compared by value; class weights refer to classes, not to batches."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
from conftest import missing, placement, to_numpy
from scipy.sparse import lil_array
from sklearn.linear_model import SGDClassifier

from regnet import MLPClassifier, MLPClassifierCV, MLPRegressor, Network, fit
from regnet.estimators.labels import labels_of
from regnet.networks.targets import encode_targets

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
TYPES = ("bool", "uint8", "int8", "int64", "float32", "float64")
CLASSES = {
    "beyond bytes": np.array([0, 1, 256]),
    "beyond booleans": np.array([0, 1, 2]),
    "negative": np.array([-1, 1]),
    "beyond float32": np.array([1, 16_777_216, 16_777_217]),
    "booleans": np.array([False, True]),
    "bytes": np.array([1, 255], dtype=np.uint8),
}
NETWORK = Network.mlp([2, 3], loss="categorical_crossentropy")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ["torch", "jax", "strict"])
def test_labels_on_a_device_are_compared_by_value(name, dtype):
    if missing(name):
        pytest.skip(missing(name))
    here = placement(name)
    host = np.asarray([0, 1, 0, 1, 1] if dtype == "bool" else [0, 1, 2, 100, 1]).astype(dtype)
    extreme = np.asarray([-1, 255, 16_777_216], dtype=np.int64).astype(dtype)
    for y in (host, extreme):
        device = here.backend.asarray(y, dtype=dtype, device=here.device)
        for classes in CLASSES.values():
            labels = labels_of(np.asarray(classes))
            expected = [[float(value) == float(one) for one in labels.classes] for value in y.tolist()]
            expected = expected if len(classes) > 2 else [row[1:] for row in expected]
            assert to_numpy(here, labels.encode(device)).tolist() == expected


@pytest.mark.parametrize("name", ["torch"])
def test_training_goes_on_with_labels_of_another_type(name):
    """int64 classes, then the same labels as bytes, floats and booleans, as rows to train on and to be held out."""
    if missing(name):
        pytest.skip(missing(name))
    here, x = placement(name), np.random.default_rng(0).standard_normal((12, 2))
    table, y = here.put(x), np.arange(12) % 2
    expected = MLPClassifier((3,), random_state=0).partial_fit(x, y, classes=[0, 1, 256]).partial_fit(x, y)
    for dtype in ("uint8", "bool"):
        labels = here.put(y, dtype)
        model = MLPClassifier((3,), random_state=0).partial_fit(table, here.put(y, "int64"), classes=[0, 1, 256])
        model.partial_fit(table, labels)
        np.testing.assert_allclose(to_numpy(here, model.coefs_[0]), expected.coefs_[0], rtol=1e-9)
    full = np.r_[256, y[1:]]
    records = [
        MLPClassifier((3,), random_state=0, max_iter=2)
        .fit(x, full, validation_data=(table, here.put(y, dtype)), log_every=1)
        .history_.column("validation_loss")
        for dtype in ("int64", "uint8")
    ]
    np.testing.assert_allclose(records, [records[0]] * 2, rtol=1e-12)


BAD_NUMBERS = {
    "wrap": np.array([0, 1, 2]) + 2**32,
    "wide floats": np.array([0.0, 1.0, 2.0**32]),
    "huge": np.array([0.0, 1e300]),
    "negative": np.array([-1.0, 0.0]),
    "negative integers": np.array([-(2**32), 1]),
    "unsigned": np.array([0, 2**63], dtype=np.uint64),
}


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_class_numbers_beyond_the_outputs_are_refused(name):
    y = BAD_NUMBERS[name]
    with pytest.raises(ValueError, match="class numbers from"):
        fit(NETWORK, np.zeros((len(y), 2)), y, epochs=1, progress=False)
    if missing("torch") or name == "unsigned":
        return
    device = placement("torch").put(y, y.dtype.name)
    with pytest.raises(ValueError, match="class numbers from"):
        encode_targets(NETWORK, device, 2, dtype=placement("torch").put([0.0]).dtype)


def test_class_numbers_of_every_type():
    for dtype in TYPES:
        y = np.asarray([0, 1, 1]).astype(dtype)
        np.testing.assert_array_equal(encode_targets(NETWORK, y, 2, dtype=np.float64), np.eye(3)[[0, 1, 1]])
    with pytest.raises(ValueError, match="NaN or infinite"):
        encode_targets(NETWORK, np.array([0.0, np.inf]), 2, dtype=np.float64)


def test_class_weights_refer_to_all_classes():
    """As in scikit-learn: a batch may lack classes that have weights; a dict that names another one is refused."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 2)), np.arange(30) % 3
    some = y < 2
    for given, full in (({0: 3.0, 2: 0.5}, [3.0, 1.0, 0.5]), ({1: 2.0}, [1.0, 2.0, 1.0])):
        model = MLPClassifier((3,), class_weight=given, random_state=0)
        model.partial_fit(x[some], y[some], classes=[0, 1, 2]).partial_fit(x, y)
        other = MLPClassifier((3,), random_state=0)
        other.partial_fit(x[some], y[some], np.asarray(full)[y[some]], classes=[0, 1, 2])
        other.partial_fit(x, y, np.asarray(full)[y])
        np.testing.assert_array_equal(model.coefs_[0], other.coefs_[0])
    for bad in ({0: 1.0, 7: 2.0}, "balanced"):
        messages = []
        for kind in (SGDClassifier, MLPClassifier):
            with pytest.raises(ValueError, match="class_weight") as raised:
                kind(class_weight=bad).partial_fit(x[some], y[some], classes=[0, 1, 2])
            messages.append(str(raised.value))
        assert messages[0] == messages[1]
    names = np.array(["a", "b", "c"])[y]
    found = MLPClassifierCV((), lambdas=(0.001,), cv=3, random_state=0, class_weight={"a": 2.0}).fit(x, names)
    by_row = MLPClassifierCV((), lambdas=(0.001,), cv=3, random_state=0).fit(x, names, np.where(y == 0, 2.0, 1.0))
    np.testing.assert_allclose(found.best_estimator_.coefs_[0], by_row.best_estimator_.coefs_[0], rtol=1e-9)


def test_strict_labels_of_one_class():
    y = array_api_strict.asarray(np.zeros(3, dtype=np.uint8))
    assert not np.asarray(labels_of(np.zeros(4, dtype=int)).encode(y)).any()


def test_ranges_are_lists():
    """Of classes, targets, factors: Python's ranges are what lists of the same numbers are."""
    x = np.random.default_rng(0).standard_normal((9, 3))
    short = {"hidden_layer_sizes": (3,), "random_state": 0, "max_iter": 2}
    for ours, theirs in ((range(9), list(range(9))), (range(2, 11), np.arange(2, 11))):
        models = [MLPRegressor(**short, penalty_factor=f).fit(x, y) for f, y in ((range(3), ours), ([0, 1, 2], theirs))]
        np.testing.assert_array_equal(*(model.predict(x) for model in models))
    labels = np.arange(9) % 3
    partly = [MLPClassifier((3,), random_state=0).partial_fit(x, labels, classes=c) for c in (range(3), [0, 1, 2])]
    np.testing.assert_array_equal(*(model.predict_proba(x) for model in partly))


@pytest.mark.parametrize("how", ["fit", "partial_fit"])
def test_sparse_labels_that_are_no_indicator_are_refused(how):
    x, y = np.random.default_rng(0).standard_normal((6, 3)), lil_array(np.array([[0.0, 1, 2, 0, 1, 2]]).T)
    options = {"classes": [0, 1, 2]} if how == "partial_fit" else {}
    with pytest.raises(TypeError, match="Sparse data was passed for y"):
        getattr(MLPClassifier((3,)), how)(x, y, **options)
