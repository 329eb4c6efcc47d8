"""Estimators, searches and paths come back from a file as they were."""

import numpy as np
import pytest
from conftest import need
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import KFold

from regnet import (
    Adam,
    EarlyStopping,
    MLPClassifier,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
    TableEncoder,
    load,
    path,
    save,
)

X, Y = (part[:120] for part in load_diabetes(return_X_y=True))
SHORT = {"max_iter": 5, "random_state": 0, "hidden_layer_sizes": (4,)}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def again(model, folder, **extra):
    """What a file gives back."""
    save(folder / "m.st", model, **extra)
    found, more = load(folder / "m.st")
    assert type(found) is type(model)
    assert more == extra
    return found


def same_attributes(found, model, ignored=()):
    """Whether all that fit left is equal, and all parameters."""
    np.testing.assert_equal(found.get_params(deep=False), model.get_params(deep=False))
    own = {name for name in vars(model) if name.endswith("_") and name not in ignored}
    assert own == {name for name in vars(found) if name.endswith("_") and name not in ignored}
    for name in own:
        np.testing.assert_equal(getattr(found, name), getattr(model, name), err_msg=name)


@pytest.mark.parametrize(
    "model",
    [
        MLPRegressor(**SHORT),
        MLPRegressor(**SHORT, input_l1=0.1, input_groups=[*"aabbccddee"], penalty_factor=[1.0, 1] * 4 + [3.0, 3]),
        MLPRegressor(
            hidden_layer_sizes=(4, 3), loss="huber", activation="tanh", solver="lbfgs", random_state=0, max_iter=20
        ),
        MLPRegressor(hidden_layer_sizes=(), solver="newton", weight_l1=0.1),
        MLPRegressor(**SHORT, solver="sgd", learning_rate="adaptive", early_stopping=True),
        MLPRegressor(**SHORT, early_stopping=EarlyStopping(patience=2), weight_l2=(0.1, 0.0)),
    ],
)
def test_a_regressor(model, tmp_path):
    model.fit(X, Y)
    found = again(model, tmp_path, note="a")
    same_attributes(found, model, ignored=("history_",))
    np.testing.assert_array_equal(found.predict(X), model.predict(X))
    if hasattr(model, "history_"):
        assert found.history_ == model.history_


@pytest.mark.parametrize("labels", ["text", "numbers", "three", "several", "sparse"])
def test_a_classifier(labels, tmp_path):
    x, y = load_breast_cancer(return_X_y=True)
    target = {
        "text": np.where(y, "benign", "ill"), "numbers": y * 3.0, "three": y + (x[:, 0] > 15),
        "several": np.stack([y, x[:, 0] > 15], axis=1).astype(int), "sparse": y,
    }[labels]  # fmt: skip
    if labels == "sparse":
        from scipy.sparse import csr_array

        target = csr_array(np.stack([y, 1 - y], axis=1))
    model = MLPClassifier(**SHORT).fit(x, target)
    found = again(model, tmp_path)
    same_attributes(found, model)
    np.testing.assert_array_equal(found.predict_proba(x), model.predict_proba(x))
    one, other = found.predict(x), model.predict(x)
    assert type(one) is type(other)
    assert one.dtype == other.dtype
    assert (one != other).sum() == 0


def test_training_goes_on_to_the_same_bits(tmp_path):
    model = MLPRegressor(**SHORT, batch_size=20, shuffle=False).partial_fit(X, Y).partial_fit(X, Y)
    found = again(model, tmp_path)
    for one in (found, model):
        one.partial_fit(X, Y)
    np.testing.assert_array_equal(found.predict(X), model.predict(X))


def test_alpha_that_nobody_gave_stays_so(tmp_path):
    for model in (MLPRegressor(**SHORT, weight_l2=0.1), MLPRegressor(**SHORT, alpha=0.0001)):
        model.fit(X, Y)
        np.testing.assert_array_equal(again(model, tmp_path).fit(X, Y).predict(X), model.predict(X))


def test_a_compacted_network_still_takes_the_whole_table(tmp_path):
    small = MLPRegressor(**SHORT, input_l1=5.0, learning_rate_init=0.01).set_params(max_iter=300).fit(X, Y).compact()
    assert 0 < small.n_features_in_ < 10
    np.testing.assert_array_equal(again(small, tmp_path).predict(X), small.predict(X))


@pytest.mark.parametrize(
    "model",
    [
        MLPRegressorCV(**SHORT, cv=3, n_lambdas=5),
        MLPRegressorCV(**SHORT, cv=3, lambdas=(0.01, 0.1), warm_start=False, restarts=2, keep_predictions=True),
        MLPRegressorCV(**SHORT, cv=3, n_lambdas=5, refit=False),
        MLPRegressorCV(hidden_layer_sizes=(), cv=3, n_lambdas=5, relax=True, gamma=(0, 1)),
        MLPRegressorCV(**SHORT, cv=3, n_lambdas=5, input_groups=[*"aabbccddee"], adaptive=False),
    ],
)
def test_a_search(model, tmp_path):
    model.fit(X, Y)
    found = again(model, tmp_path)
    same_attributes(found, model, ignored=("best_estimator_", "path_"))
    if found._grouping is not None:
        assert (found.groups_, found._grouping.kind) == (model.groups_, model._grouping.kind)
    if hasattr(model, "best_estimator_"):
        assert found.get_support().tolist() == model.get_support().tolist()
        np.testing.assert_array_equal(found.predict(X), model.predict(X))
    if hasattr(model, "path_"):
        assert found.best_estimator_ is found.path_.estimators[found.best_index_]
        pairs = zip(found.path_.estimators, model.path_.estimators, strict=True)
        assert all((one.predict(X) == other.predict(X)).all() for one, other in pairs)
        assert found.at(n_inputs=5).predict(X).tolist() == model.at(n_inputs=5).predict(X).tolist()
        with pytest.raises(ValueError, match="left behind"):
            found.at(strength=float(np.mean(found.lambdas_[:2])))


def test_a_search_of_classes_with_an_encoder(tmp_path):
    pandas = need("pandas")
    x, y = load_iris(return_X_y=True)
    frame = pandas.DataFrame(x, columns=[*"abcd"])
    frame["site"] = pandas.Series(np.where(x[:, 0] > 6, "far", "near"))
    frame.loc[3, "b"] = None
    frame.loc[5, "site"] = None
    search = MLPClassifierCV(**SHORT, cv=3, n_lambdas=4, preprocessor=TableEncoder(missing="impute"))
    search.fit(frame, np.asarray(["se", "ve", "vi"])[y])
    found = again(search, tmp_path)
    np.testing.assert_array_equal(found.predict_proba(frame), search.predict_proba(frame))
    assert found.predict(frame).tolist() == search.predict(frame).tolist()
    assert found.groups_ == search.groups_
    assert found.get_support().tolist() == search.get_support().tolist()
    np.testing.assert_array_equal(found.feature_importances_, search.feature_importances_)
    assert found.best_estimator_[0].columns_ == search.best_estimator_[0].columns_


def test_a_path(tmp_path):
    found = path(MLPRegressor(**SHORT), X, Y, n_lambdas=4)
    loaded = again(found, tmp_path)
    np.testing.assert_array_equal(loaded.input_norms, found.input_norms)
    np.testing.assert_array_equal(loaded[2].estimator.predict(X), found[2].estimator.predict(X))
    assert loaded.feature_names == found.feature_names


def test_what_data_cannot_stand_for_is_left_behind(tmp_path):
    search = MLPRegressorCV(**SHORT, cv=KFold(3), n_lambdas=3).fit(X, Y)
    with pytest.warns(UserWarning, match=r"cv=KFold\(.*is not saved: the loaded estimator has the default"):
        save(tmp_path / "m.st", search)
    found, _ = load(tmp_path / "m.st")
    assert found.cv == 5
    assert found.predict(X).tolist() == search.predict(X).tolist()


def test_what_cannot_be_saved(tmp_path):
    from sklearn.preprocessing import StandardScaler

    file = tmp_path / "m.st"
    with pytest.raises(TypeError, match="MLPRegressor is not fitted: there is nothing to save"):
        save(file, MLPRegressor())
    with pytest.raises(TypeError, match="MLPRegressorCV is not fitted"):
        save(file, MLPRegressorCV())
    with pytest.raises(TypeError, match="dict cannot be saved: regnet saves a Model"):
        save(file, {"a": Adam()})
    scaled = MLPRegressorCV(**SHORT, cv=3, n_lambdas=3, preprocessor=StandardScaler()).fit(X, Y)
    with pytest.raises(TypeError, match=r"preprocessor|StandardScaler|Pipeline"):
        save(file, scaled)

    class Own(MLPRegressor):
        """A class of a user's own."""

    with pytest.raises(TypeError, match="Own cannot be saved"):
        save(file, Own(**SHORT).fit(X, Y))
    assert not file.exists()


def test_a_network_that_is_not_finite_is_not_saved(tmp_path):
    model = MLPRegressor(**SHORT).fit(X, Y)
    model.coefs_[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="weights that are not finite"):
        save(tmp_path / "m.st", model)
    assert not (tmp_path / "m.st").exists()


def test_a_record_is_no_model(tmp_path):
    with pytest.raises(TypeError, match="EarlyStopping cannot be saved: regnet saves a Model"):
        save(tmp_path / "m.st", EarlyStopping())
