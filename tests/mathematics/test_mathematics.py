"""Every formula of floor 1 and the whole network's gradient against an independent computation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import reference
from array_api_compat import array_namespace
from conftest import need, placement, to_numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from regnet import Dense, Network
from regnet.arrays.random_bits import counter_bits, keep_mask
from regnet.arrays.tree import leaves, rebuild, tree_map
from regnet.mathematics import initializers, penalties, schedules
from regnet.mathematics.activations import ACTIVATIONS, LeakyRelu, get_activation
from regnet.mathematics.losses import LOSSES, Huber, get_loss
from regnet.mathematics.metrics import METRICS
from regnet.networks.layout import Layout
from regnet.networks.network import Rows
from regnet.networks.regularizer import penalty_prox
from regnet.networks.strengths import Strengths


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_value_and_derivative(name, namespace, rng):
    place = placement(namespace)
    z, dy = rng.standard_normal((2, 7, 5))
    activation = get_activation(name)
    y = activation.forward(place.put(z))
    np.testing.assert_allclose(to_numpy(place, y), reference.ACTIVATIONS[name](z + 0j).real, rtol=1e-14, atol=1e-15)
    expected = dy * (reference.ACTIVATIONS[name](z + 1j * reference.H).imag / reference.H)
    assert reference.relative(to_numpy(place, activation.backward(place.put(dy), y)), expected) <= 1e-12


@pytest.mark.parametrize("name", LOSSES)
def test_loss_value_and_gradient(name, namespace, rng):
    place = placement(namespace)
    z, y = rng.standard_normal((6, 3)), reference.targets(rng, name, 6, 3)
    value, grad = get_loss(name).value_and_grad(place.put(z), place.put(y))
    np.testing.assert_allclose(to_numpy(place, value)[:, 0], reference.LOSSES[name](z + 0j, y).real, rtol=1e-13)
    expected = reference.complex_step(lambda c: reference.LOSSES[name](c, y).sum(), z)
    assert reference.relative(to_numpy(place, grad), expected) <= 1e-12


@pytest.mark.parametrize("name", ["categorical_crossentropy", "binary_crossentropy"])
def test_cross_entropies_do_not_overflow(name):
    z, y = np.array([[800.0, -800.0], [-800.0, 800.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    value, grad = get_loss(name).value_and_grad(z, y)
    assert np.isfinite(value).all()
    assert np.isfinite(grad).all()
    assert value[0, 0] == pytest.approx(0.0)
    assert value[1, 0] == pytest.approx(1600.0)


def test_predictions_are_the_output_functions(rng):
    z = rng.standard_normal((4, 3))
    np.testing.assert_allclose(
        get_loss("categorical_crossentropy").predict(z), np.exp(z) / np.exp(z).sum(1, keepdims=True), rtol=1e-14
    )
    np.testing.assert_allclose(get_loss("binary_crossentropy").predict(z), 1 / (1 + np.exp(-z)), rtol=1e-14)
    np.testing.assert_allclose(get_loss("poisson").predict(z), np.exp(z), rtol=1e-14)
    for name in ("squared_error", "absolute_error", "huber"):
        assert (get_loss(name).predict(z) == z).all()


def test_metrics_equal_scikit_learn(namespace, rng):
    from sklearn.metrics import accuracy_score, r2_score

    place = placement(namespace)
    w = rng.uniform(0.1, 1.0, 40)
    weight = place.put((w / w.sum())[:, None])

    def score(name, predictions, targets):
        metric, p, y = METRICS[name], place.put(predictions), place.put(targets)
        sums = array_namespace(p).sum(metric.rows(p, y) * weight, axis=-2, keepdims=True)
        return float(to_numpy(place, metric.finish(sums, y, weight))[0, 0])

    z, labels = rng.standard_normal((40, 3)), rng.integers(0, 3, 40)
    expected = accuracy_score(labels, z.argmax(1), sample_weight=w)
    assert score("categorical_accuracy", z, np.eye(3)[labels]) == pytest.approx(expected, abs=1e-12)
    p, many = rng.uniform(size=(40, 2)), rng.integers(0, 2, (40, 2))
    assert score("binary_accuracy", p, many) == pytest.approx(accuracy_score(many, p > 0.5, sample_weight=w), abs=1e-12)
    truth = rng.standard_normal((40, 2))
    guess = truth + 0.5 * rng.standard_normal((40, 2))
    assert score("r2", guess, truth) == pytest.approx(r2_score(truth, guess, sample_weight=w), abs=1e-12)


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 14.62, 1e9 / 7])
@pytest.mark.parametrize("ignored", [0, 1])
def test_r2_of_a_constant_target_is_0_or_1(constant, ignored, namespace):
    """The mean of such a target is rounded; rows of weight 0 (another value, or padding) are not in it."""
    place, metric = placement(namespace), METRICS["r2"]
    weight = np.ones(14) / (14 - ignored)
    weight[:ignored] = 0.0
    targets = np.full((14, 1), constant)
    targets[:ignored] = 3.0

    def score(predictions):
        p, y, w = (place.put(one) for one in (predictions, targets, weight[:, None]))
        sums = array_namespace(p).sum(metric.rows(p, y) * w, axis=-2, keepdims=True)
        return float(to_numpy(place, metric.finish(sums, y, w))[0, 0])

    assert score(targets + 0.5) == 0.0
    assert score(targets) == 1.0


def brute_force(w, penalty):
    """argmin_u (u - w)^2 / 2 + penalty(u), by a fine grid around the minimum of a coarse one."""
    low, high = -5.0, 5.0
    for _ in range(12):
        grid = np.append(np.linspace(low, high, 2001), 0.0)
        best = grid[np.argmin((grid - w) ** 2 / 2 + penalty(grid))]
        width = (high - low) / 1000
        low, high = best - width, best + width
    return best


finite = st.floats(-4.0, 4.0)
strength = st.floats(0.0, 3.0)


@given(w=finite, s=st.floats(0.01, 2.0), l1=strength, l2=strength)
def test_prox_is_the_minimiser(w, s, l1, l2):
    array = np.asarray([[w]])
    cases = {
        "l1": (penalties.soft_threshold(array, s * l1), lambda u: s * l1 * np.abs(u)),
        "l2": (penalties.l2_prox(array, s, l2), lambda u: s * l2 * u * u),
        "mix": (penalties.elastic_net_prox(array, s, l1, l2), lambda u: s * (l1 * np.abs(u) + l2 * u * u)),
    }
    for name, (got, penalty) in cases.items():
        assert got[0, 0] == pytest.approx(brute_force(w, penalty), abs=1e-6), name


def test_penalty_values_and_gradients(namespace, rng):
    place = placement(namespace)
    host = rng.standard_normal((4, 3))
    w = place.put(host)
    values = {
        "l1": (penalties.l1_value, penalties.l1_grad, lambda z: 0.3 * reference.c_abs(z).sum(), (0.3,)),
        "l2": (penalties.l2_value, penalties.l2_grad, lambda z: 0.7 * (z * z).sum(), (0.7,)),
        "mix": (
            penalties.elastic_net_value,
            penalties.elastic_net_grad,
            lambda z: 0.3 * reference.c_abs(z).sum() + 0.7 * (z * z).sum(),
            (0.3, 0.7),
        ),
    }
    for name, (value, grad, f, strengths) in values.items():
        assert to_numpy(place, value(w, *strengths))[0, 0] == pytest.approx(f(host + 0j).real, rel=1e-13), name
        assert reference.relative(to_numpy(place, grad(w, *strengths)), reference.complex_step(f, host)) <= 1e-12


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_crossentropy"])
def test_the_loss_of_a_sure_row_is_small_but_not_0(loss, dtype, namespace):
    place = placement(namespace, dtype)
    z, y, expected = reference.sure_rows(loss)
    got, _ = get_loss(loss).value_and_grad(place.put(z), place.put(y))
    assert (expected > 0).all()
    np.testing.assert_allclose(to_numpy(place, got)[:, 0], expected, rtol=1e-6 if dtype == "float32" else 1e-14)


def minimise(f, start):
    """A minimiser of a convex function of few variables by pattern search: no derivative, no formula."""
    best, width = np.asarray(start, dtype=float), 2.0
    moves = [np.asarray(m) for m in itertools.product((-1.0, 0.0, 1.0), repeat=best.size) if any(m)]
    while width > 1e-7:
        trials = [best, 0 * best, *(best + width * m for m in moves), *(best * (1 + width * s) for s in (-0.5, 0.5))]
        values = [f(trial) for trial in trials]
        k = int(np.argmin(values))
        best, width = (trials[k], width) if values[k] < values[0] else (best, width / 2)
    return best


@settings(max_examples=40, deadline=None)
@given(w=st.lists(finite, min_size=2, max_size=2), s=st.floats(0.1, 2.0), l1=strength, group=strength)
def test_group_prox_is_the_minimiser(w, s, l1, group):
    array = np.asarray([w, [5.0, -3.0]])
    layout = Layout(((2, 2),))
    strengths = Strengths(l1=np.full((1, 4), l1), group=(np.asarray([[group], [0.0]]),))
    got = penalty_prox(layout.pack([array]), np.full((1, 1), s), strengths, layout).reshape(2, 2)

    def objective(u):
        return ((u - w) ** 2).sum() / 2 + s * (l1 * np.abs(u).sum() + group * np.sqrt((u**2).sum()))

    assert objective(got[0]) <= objective(minimise(objective, w)) + 1e-9
    np.testing.assert_allclose(got[1], np.sign(array[1]) * np.maximum(np.abs(array[1]) - s * l1, 0), atol=1e-12)


def test_group_values_and_factors(namespace, rng):
    place = placement(namespace)
    host, factor = rng.standard_normal((4, 3)), np.asarray([[0.0], [1.0], [2.0], [0.5]])
    w, strength = place.put(host), place.put(0.3 * factor)
    assert to_numpy(place, penalties.group_value(w, strength))[0, 0] == pytest.approx(
        (0.3 * factor[:, 0] * np.linalg.norm(host, axis=1)).sum(), rel=1e-13
    )
    assert to_numpy(place, penalties.l1_value(w, strength))[0, 0] == pytest.approx((0.3 * factor * np.abs(host)).sum())
    assert to_numpy(place, penalties.l2_value(w, strength))[0, 0] == pytest.approx((0.3 * factor * host**2).sum())


@pytest.mark.parametrize(
    ("scale", "dtype"), [(1e-25, "float32"), (1e25, "float32"), (1e-170, "float64"), (1e170, "float64")]
)
def test_groups_whose_squares_are_no_numbers(scale, dtype, namespace, rng):
    """Lengths by math.hypot: what is shorter than its threshold is 0, the rest is shortened by it; so is the value."""
    place = placement(namespace, dtype)
    host = (scale * rng.standard_normal((4, 3))).astype(dtype)
    host[3] = 0
    norms = np.array([math.hypot(*map(float, row)) for row in host])
    thresholds = (norms * [1.5, 0.25, 0, 0]).astype(dtype)
    got = to_numpy(place, penalties.group_prox(place.put(host), place.put(thresholds[:, None])))
    assert (got[[0, 3]] == 0).all()
    np.testing.assert_allclose(got[1:3], host[1:3] * [[0.75], [1]], rtol=1e-6)
    np.testing.assert_allclose(to_numpy(place, penalties.row_norms(place.put(host)))[:, 0], norms, rtol=1e-6)
    strength = place.put(np.asarray([[0.5], [1], [2], [3]], dtype))
    value = float(to_numpy(place, penalties.group_value(place.put(host), strength))[0, 0])
    assert value == pytest.approx(norms @ [0.5, 1, 2, 3], rel=1e-6, abs=0)
    direction = host[:3] / norms[:3, None]
    residual = penalties.sparse_group_residual(place.put(host[:3]), place.put(-direction), None, strength[:3, ...])
    np.testing.assert_allclose(to_numpy(place, residual), direction * [[-0.5], [0], [1]], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), l1=strength, group=strength)
def test_the_residual_vanishes_just_where_the_prox_stands_still(seed, l1, group):
    """W = prox(W - grad) means optimal; elsewhere the residual is the steepest slope, by differences."""
    rng = np.random.default_rng(seed)

    def prox(z):
        return penalties.group_prox(penalties.soft_threshold(z, l1), group)

    w = prox(2 * rng.standard_normal((3, 2)))
    still = 3 * rng.standard_normal((3, 2)) - w  # prox(w - grad) for grad = w - z, z drawn
    optimum = prox(w + still)
    residual = penalties.sparse_group_residual(optimum, optimum - (w + still), l1, group)
    np.testing.assert_allclose(residual, 0, atol=1e-12)

    grad = rng.standard_normal((3, 2))
    residual = penalties.sparse_group_residual(w, grad, l1, group)

    def along(direction, h=1e-7):
        def f(u):
            return (grad * u).sum() + l1 * np.abs(u).sum() + group * np.linalg.norm(u, axis=1).sum()

        return (f(w + h * direction) - f(w)) / h

    norm = np.linalg.norm(residual)
    if norm > 1e-3:
        assert along(-residual / norm) == pytest.approx(
            -norm, abs=1e-5 + 1e-6 * norm / max(np.abs(w[w != 0]).min(initial=1), 1e-3)
        )
        other = rng.standard_normal((3, 2))
        assert along(other / np.linalg.norm(other)) >= -norm - 1e-5


def test_the_subgradient_at_zero_is_zero():
    assert penalties.l1_grad(np.zeros((2, 2)), 0.5).tolist() == [[0, 0], [0, 0]]


def test_schedules(namespace):
    place = placement(namespace)
    for t in (0, 1, 7, 50, 250):
        at = place.put(np.asarray(float(t)))
        expected = {
            schedules.Constant(0.1): 1.0,
            schedules.InverseTime(0.1, decay=0.01): 1 / (1 + 0.01 * t),
            schedules.Exponential(0.1, rate=0.5, steps=10): 0.5 ** (t / 10),
            schedules.StepDecay(0.1, rate=0.5, steps=7): 0.5 ** (t // 7),
            schedules.Cosine(0.1, steps=100, final=0.1): 0.1 + 0.9 * (1 + math.cos(math.pi * min(t, 100) / 100)) / 2,
        }
        for schedule, factor in expected.items():
            assert float(to_numpy(place, schedule.factor(at))) == pytest.approx(factor, rel=1e-12), schedule


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("normal", 1e-4),
        ("glorot_normal", 2 / 700),
        ("glorot_uniform", 2 / 700),
        ("he_normal", 2 / 300),
        ("he_uniform", 2 / 300),
    ],
)
def test_initializers_have_their_variance(name, variance, rng):
    weight = initializers.get_initializer(name).draw(rng, 300, 400)
    assert weight.shape == (300, 400)
    assert weight.mean() == pytest.approx(0, abs=5 * math.sqrt(variance / weight.size))
    assert weight.var() == pytest.approx(variance, rel=0.02)


CASES = [(a, loss) for a in ACTIVATIONS for loss in LOSSES]


@pytest.mark.parametrize(("activation", "loss"), CASES)
def test_network_gradient_is_exact(activation, loss, namespace, rng):
    place = placement(namespace)
    network = Network.mlp([3, 5, 4, 2], loss=loss, activation=activation)
    x, y = rng.standard_normal((6, 3)), reference.targets(rng, loss, 6, 2)
    w = rng.uniform(size=(6, 1))
    w /= w.sum()
    params = [leaf + 0.3 * rng.standard_normal(leaf.shape) for leaf in leaves(network.init(rng))]
    tree = rebuild(network.init(rng), [place.put(leaf) for leaf in params])
    value, grads = network.loss_and_grads(Rows(place.put(x), place.put(y), place.put(w)), tree)
    args = (x, y, w[:, 0], activation, loss)
    assert to_numpy(place, value)[0, 0] == pytest.approx(reference.objective(params, *args).real, rel=1e-13)
    for k, got in enumerate(leaves(grads)):
        expected = reference.complex_step(
            lambda z, k=k: reference.objective([*params[:k], z, *params[k + 1 :]], *args), params[k]
        )
        assert reference.relative(to_numpy(place, got), expected) <= 1e-12


def test_gradient_against_differences_with_dropout(rng):
    """The mask is a function of counters, so the loss is a smooth function of the weights even with dropout."""
    network = Network.mlp([3, 8, 2], loss="squared_error", activation="tanh", dropout=0.4)
    x, y = rng.standard_normal((10, 3)), rng.standard_normal((10, 2))
    rows = Rows(x, y, np.full((10, 1), 0.1), np.arange(10, dtype=np.int32)[:, None])
    key = np.asarray([[12345]], dtype=np.int32)
    params = network.init(rng)
    _, grads = network.loss_and_grads(rows, params, key)
    weight, h = params[0].weight, 1e-6
    for place in [(0, 0), (1, 3), (2, 7)]:
        values = []
        for sign in (1, -1):
            moved = weight.copy()
            moved[place] += sign * h
            changed = (params[0]._replace(weight=moved), *params[1:])
            values.append(network.loss_and_grads(rows, changed, key)[0][0, 0])
        assert grads[0].weight[place] == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_against_torch_autograd(loss, rng):
    torch = need("torch")
    network = Network.mlp([4, 6, 3], loss=loss, activation="tanh")
    x, y = (torch.from_numpy(a) for a in (rng.standard_normal((5, 4)), reference.targets(rng, loss, 5, 3)))
    weight = torch.full((5, 1), 0.2, dtype=torch.float64)
    params = tree_map(lambda a: torch.from_numpy(a).requires_grad_(True), network.init(rng))
    value, grads = network.loss_and_grads(Rows(x, y, weight), params)
    expected = torch.autograd.grad(value.sum(), leaves(params))
    for got, want in zip(leaves(grads), expected, strict=True):
        assert reference.relative(got.detach(), want) <= 1e-12


def test_first_layer_input_gradient_is_not_computed(monkeypatch, rng):
    asked = []
    original = Dense.forward

    def spy(self, params, x, noise):
        y, backward = original(self, params, x, noise)

        def watched(dy, input_grad):
            asked.append((self.in_features, input_grad))
            return backward(dy, input_grad)

        return y, watched

    monkeypatch.setattr(Dense, "forward", spy)
    network = Network.mlp([3, 5, 2], loss="squared_error")
    network.loss_and_grads(Rows(np.ones((2, 3)), np.ones((2, 2)), np.full((2, 1), 0.5)), network.init(rng))
    assert asked == [(5, True), (3, False)]


def test_constructors_refuse_nonsense():
    with pytest.raises(ValueError, match="activation='softplus' is unknown"):
        Dense(2, 3, activation="softplus")
    with pytest.raises(ValueError, match="slope"):
        LeakyRelu(2.0)
    with pytest.raises(ValueError, match="delta"):
        Huber(0.0)
    with pytest.raises(ValueError, match="loss='hinge' is unknown"):
        Network.mlp([2, 2], loss="hinge")
    with pytest.raises(ValueError, match=r"4 outputs.*takes 5 inputs"):
        Network((Dense(2, 4), Dense(5, 1)), loss="huber")


@pytest.mark.parametrize("rate", [0.0, 1 - 2.0**-31, 1 - 2.0**-33, 1 - 2.0**-53])
def test_rates_of_dropout_at_the_ends_of_an_int32(rate, namespace, rng):
    """Kept is what is not below the rate's share of 2^32 numbers, of which one is left at least."""
    place = placement(namespace)
    key = place.put(rng.integers(-(2**31), 2**31, (1, 1)), "int32")
    rows = place.put(np.arange(300)[:, None], "int32")
    bits = to_numpy(place, counter_bits(key, rows, 8)).astype(np.int64) + 2**31
    kept = to_numpy(place, keep_mask(key, rows, 8, rate))
    assert (kept == (bits >= min(rate * 2**32, 2**32 - 1))).all()
    assert kept.all() == (rate == 0)
