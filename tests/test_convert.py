"""Converted strengths against the libraries themselves: their solutions must be optimal in regnet's convention.

glmnet's R code is not run: its documented objective is, by scikit-learn's coordinate descent on the same terms.
"""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need
from sklearn import linear_model, neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from regnet import MLPClassifier, MLPRegressor, Penalty, Tweedie
from regnet.convert import from_glmnet, from_keras, from_sklearn, from_torch


def standardised(load):
    x, y = load(return_X_y=True)
    return (x - x.mean(0)) / x.std(0), y


def residual(w, grad, l1, l2):
    """The largest entry of the smallest subgradient of the objective."""
    grad = grad + 2 * l2 * w
    return np.abs(np.where(w == 0, np.sign(grad) * np.maximum(np.abs(grad) - l1, 0), grad + l1 * np.sign(w))).max()


REGRESSIONS = {
    "ridge": linear_model.Ridge(alpha=7.0, tol=1e-12),
    "lasso": linear_model.Lasso(alpha=4.0, tol=1e-14, max_iter=10**6),
    "elastic net": linear_model.ElasticNet(alpha=2.0, l1_ratio=0.3, tol=1e-14, max_iter=10**6),
    "poisson": linear_model.PoissonRegressor(alpha=0.5, tol=1e-10, max_iter=10_000, solver="newton-cholesky"),
}


@pytest.mark.parametrize("name", REGRESSIONS)
def test_scikit_learn_regressions(name):
    x, y = standardised(load_diabetes)
    fitted = REGRESSIONS[name].fit(x, y)
    mean = fitted.predict(x)
    grad = x.T @ (mean - y) / len(y)
    strengths = {"weight_l1": 0.0, "weight_l2": 0.0, **from_sklearn(fitted, n_samples=len(y))}
    size = np.abs(grad).max()
    assert residual(fitted.coef_, grad, strengths["weight_l1"], strengths["weight_l2"]) <= 1e-6 * size
    assert residual(fitted.coef_, grad, 2 * strengths["weight_l1"], 2 * strengths["weight_l2"]) > 1e-2 * size


@pytest.mark.parametrize(
    ("theirs", "loss"),
    [
        (linear_model.PoissonRegressor, "poisson"),
        (linear_model.GammaRegressor, "gamma"),
        (linear_model.TweedieRegressor, Tweedie(1.4)),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_deviances_are_fitted_alike(theirs, loss, weighted):
    """Both are fitted, by objectives written down apart from one another, with weights of rows too."""
    x, y = standardised(load_diabetes)
    weight = np.linspace(0.5, 2.0, len(y)) if weighted else None
    power = {"power": 1.4} if theirs is linear_model.TweedieRegressor else {}
    model = theirs(alpha=0.3, tol=1e-12, solver="newton-cholesky", **power).fit(x, y, weight)
    strengths = from_sklearn(model, n_samples=len(y))
    assert strengths == {"weight_l2": 0.15}
    ours = MLPRegressor(loss, (), solver="newton", tol=1e-12, **strengths).fit(x, y, weight)
    np.testing.assert_allclose(ours.coefs_[0][:, 0], model.coef_, rtol=1e-6, atol=1e-9)
    assert ours.intercepts_[0][0] == pytest.approx(model.intercept_, rel=1e-6)
    other = MLPRegressor(loss, (), solver="newton", tol=1e-12, weight_l2=0.3).fit(x, y, weight)
    assert np.abs(other.coefs_[0][:, 0] - model.coef_).max() > 1e-2 * np.abs(model.coef_).max()


@pytest.mark.parametrize(("load", "l1_ratio"), [(load_breast_cancer, 0.0), (load_breast_cancer, 1.0), (load_iris, 0.4)])
def test_scikit_learn_logistic(load, l1_ratio):
    x, y = standardised(load)
    fitted = linear_model.LogisticRegression(
        C=0.2, l1_ratio=l1_ratio, solver="saga", tol=1e-12, max_iter=100_000, random_state=0
    ).fit(x, y)
    probabilities = fitted.predict_proba(x)[:, -len(fitted.coef_) :]
    targets = (y[:, None] == fitted.classes_[-len(fitted.coef_) :]).astype(float)
    grad = x.T @ (probabilities - targets) / len(y)
    strengths = from_sklearn(fitted, n_samples=len(y))
    assert residual(fitted.coef_.T, grad, strengths["weight_l1"], strengths["weight_l2"]) <= 1e-8


def test_scikit_learn_mlp_steps():
    """An alpha at batches of 50 rows and weight_l2 from it take the same steps."""
    x, y = standardised(load_iris)
    common = {"hidden_layer_sizes": (6,), "solver": "sgd", "batch_size": 50, "max_iter": 1, "random_state": 0}
    theirs = neural_network.MLPClassifier(alpha=20.0, **common)
    with pytest.warns(Warning, match="converged"):
        theirs.fit(x, y)
    with pytest.warns(Warning, match="converged"):
        ours = MLPClassifier(**common, **from_sklearn(theirs, n_samples=len(x))).fit(x, y)
    for a, b in zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert from_sklearn(neural_network.MLPClassifier(), n_samples=150)["weight_l2"] == 1e-4 / 300


@pytest.mark.parametrize("loss", ["crossentropy", "mse"])
def test_torch_steps(rng, loss):
    """One SGD step's decay is learning rate * regnet's penalty gradient, in units of regnet's loss."""
    torch = need("torch")
    outputs, decay, rate = 3, 0.3, 0.1
    strengths = from_torch(decay, loss=loss, outputs=outputs)
    assert strengths["weight_l2"] == strengths["bias_l2"]
    x, y = torch.from_numpy(rng.standard_normal((8, 4))), torch.from_numpy(rng.standard_normal((8, outputs)))
    criterion = torch.nn.MSELoss() if loss == "mse" else torch.nn.CrossEntropyLoss()
    ours_per_theirs = outputs / 2 if loss == "mse" else 1.0
    stepped = []
    for wd in (0.0, decay):
        torch.manual_seed(0)
        model = torch.nn.Linear(4, outputs, dtype=torch.float64)
        start = [p.detach().numpy().copy() for p in model.parameters()]
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, weight_decay=wd)
        criterion(model(x), y.softmax(-1)).backward()
        optimizer.step()
        stepped.append([p.detach().numpy() for p in model.parameters()])
    for w, plain, decayed in zip(start, *stepped, strict=True):
        np.testing.assert_allclose(
            (plain - decayed) * ours_per_theirs, rate * 2 * strengths["weight_l2"] * w, rtol=1e-10, atol=1e-14
        )


def test_keras_losses(rng):
    """What Keras adds to its loss is regnet's penalty."""
    keras = need("keras")
    regularizers = keras.regularizers
    for kernel, bias in ((regularizers.L1L2(0.02, 0.03), "l2"), (regularizers.L1(0.4), None), ("l1", "l1")):
        layer = keras.layers.Dense(3, kernel_regularizer=kernel, bias_regularizer=bias, bias_initializer="ones")
        layer.build((None, 4))
        strengths = {"weight_l1": 0, "weight_l2": 0, "bias_l1": 0, "bias_l2": 0, **from_keras(kernel, bias)}
        w, b = (np.asarray(values, dtype=float) for values in layer.get_weights())
        ours = strengths["weight_l1"] * np.abs(w).sum() + strengths["weight_l2"] * (w**2).sum()
        ours += strengths["bias_l1"] * np.abs(b).sum() + strengths["bias_l2"] * (b**2).sum()
        added = sum(
            float(rule(values))
            for rule, values in ((layer.kernel_regularizer, layer.kernel), (layer.bias_regularizer, layer.bias))
            if rule is not None
        )
        assert added == pytest.approx(ours, rel=1e-5)
    y, z = rng.standard_normal((2, 8, 3))
    theirs = float(keras.losses.MeanSquaredError()(y, z))
    factor = from_keras("l2", loss="mse", outputs=3)["weight_l2"] / 0.01
    assert theirs * factor == pytest.approx(((y - z) ** 2).sum(1).mean() / 2, rel=1e-5)


def test_glmnet_factors():
    """A factor f is an input divided by f: coordinate descent on scaled inputs is optimal for the factors."""
    x, y = standardised(load_diabetes)
    strengths = from_glmnet(3.0, penalty_factor=np.arange(1.0, 11.0))
    factor = np.asarray(strengths["penalty_factor"])
    assert factor.sum() == pytest.approx(10)
    w = linear_model.Lasso(alpha=3.0, tol=1e-14, max_iter=10**6).fit(x / factor, y).coef_ / factor
    grad = x.T @ (x @ w + y.mean() - y) / len(y)
    assert residual(w, grad, strengths["weight_l1"] * factor, 0.0) <= 1e-6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: from_sklearn(linear_model.LogisticRegression(solver="liblinear"), n_samples=9), "intercept"),
        (lambda: from_sklearn(linear_model.SGDClassifier(), n_samples=9), "SGDClassifier has no conversion"),
        (lambda: from_sklearn(linear_model.Ridge(), n_samples=0), "n_samples=0"),
        (lambda: from_torch(0.1, optimizer="AdamW"), "regnet.AdamW"),
        (lambda: from_torch(0.1, loss="hinge"), "loss='hinge'"),
        (lambda: from_keras(object()), "no conversion"),
        (lambda: from_keras(type("L2", (), {"l2": 0.1})()), "no conversion"),
        (lambda: from_glmnet(1.0, penalty_factor=[0.0, 0.0]), "positive sum"),
        (lambda: from_glmnet(0.1, alpha=2.0), "alpha lie in"),
        (lambda: from_torch(-0.1), "weight_decay=-0.1 must be 0 or more"),
        (lambda: from_sklearn(linear_model.Lasso, n_samples=3), "Lasso is a class: give an instance"),
        (lambda: from_sklearn(linear_model.Lasso(positive=True), n_samples=3), r"Lasso\(positive=True\) cannot"),
        (lambda: from_sklearn(linear_model.ElasticNet(positive=True), n_samples=3), "positive=True"),
        (lambda: from_sklearn(linear_model.Ridge(positive=True), n_samples=3), "positive=True"),
        (lambda: from_sklearn(linear_model.Ridge(alpha=[1.0, 2.0]), n_samples=3), "a strength for each target"),
        (lambda: from_sklearn(linear_model.Ridge(fit_intercept=False), n_samples=3), "layers have a bias"),
        (lambda: from_sklearn(linear_model.Lasso(fit_intercept=False), n_samples=3), "fit_intercept=False"),
        (lambda: from_sklearn(linear_model.PoissonRegressor(fit_intercept=False), n_samples=3), "fit_intercept=False"),
        (lambda: from_sklearn(linear_model.LogisticRegression(fit_intercept=False), n_samples=3), "fit_intercept"),
        (lambda: from_sklearn(linear_model.LogisticRegression(class_weight="balanced"), n_samples=3), "weighs rows"),
        (lambda: from_sklearn(linear_model.GammaRegressor(fit_intercept=False), n_samples=3), "fit_intercept=False"),
        (lambda: from_sklearn(linear_model.TweedieRegressor(power=3), n_samples=3), r"power=3.*power from 1 to 2"),
        (lambda: from_sklearn(linear_model.TweedieRegressor(power=1.5, link="identity"), n_samples=3), "identity"),
        (lambda: from_sklearn(linear_model.MultiTaskLasso(), n_samples=3), "MultiTaskLasso has no conversion"),
        (lambda: from_sklearn(MLPClassifier(weight_l1=0.1), n_samples=3), "regnet.*MLPClassifier has no conversion"),
        (lambda: from_keras("l2", loss="mse", outputs=0), "outputs=0"),
        (lambda: from_torch(0.1, loss="mse", outputs=-1), "outputs=-1"),
        (lambda: from_glmnet(0.1, penalty_factor=[-1.0, 2.0]), "numbers of 0 or more"),
        (lambda: from_glmnet(0.1, penalty_factor=[float("nan"), 2.0]), "numbers of 0 or more"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_the_number_of_rows_it_says_where_fitted_models_are_converted():
    with pytest.raises(TypeError, match=r"n_samples=.*regnet\.MLPRegressor\.from_sklearn\(model\)"):
        from_sklearn(linear_model.Ridge())


def test_options_that_change_no_minimiser_are_taken():
    plain = from_sklearn(linear_model.ElasticNet(alpha=0.3), n_samples=9)
    other = linear_model.ElasticNet(alpha=0.3, precompute=True, warm_start=True, selection="random", copy_X=False)
    assert from_sklearn(other, n_samples=9) == plain
    assert from_sklearn(linear_model.Ridge(alpha=[2.0], solver="svd"), n_samples=4) == {"weight_l2": 0.25}


def test_the_result_fits_a_penalty():
    assert Penalty(**from_keras("l1", "l2")).bias_l2 == 0.01
