"""Optimizers against PyTorch's, and against the optimality conditions of the penalised problem."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need

from regnet import SGD, Adagrad, Adam, AdamW, RMSprop
from regnet.networks.kernels import update
from regnet.networks.layout import Layout
from regnet.networks.strengths import Strengths

LAYOUT = Layout(((1, 5),))
PAIRS = {
    "sgd": (SGD(), lambda o, p: o.SGD(p, lr=0.05)),
    "momentum": (SGD(momentum=0.9), lambda o, p: o.SGD(p, lr=0.05, momentum=0.9)),
    "nesterov": (SGD(momentum=0.9, nesterov=True), lambda o, p: o.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
    "adagrad": (Adagrad(epsilon=1e-8), lambda o, p: o.Adagrad(p, lr=0.05, eps=1e-8)),
    "rmsprop": (RMSprop(rho=0.95, epsilon=1e-8), lambda o, p: o.RMSprop(p, lr=0.05, alpha=0.95, eps=1e-8)),
    "adam": (Adam(epsilon=1e-8), lambda o, p: o.Adam(p, lr=0.05, eps=1e-8)),
    "adamw": (AdamW(epsilon=1e-8, weight_decay=0.1), lambda o, p: o.AdamW(p, lr=0.05, eps=1e-8, weight_decay=0.1)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_steps_equal_pytorch(name, rng):
    torch = need("torch")
    ours, make = PAIRS[name]
    start = rng.standard_normal((4, 3))
    theirs = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = make(torch.optim, [theirs])
    w, slots = start, ours.init(start)
    for t in range(30):
        grad = np.sin(3 * w) + w
        theirs.grad = torch.from_numpy(grad.copy())
        optimizer.step()
        w, _, _, slots = ours.descend(w, grad, slots, np.asarray(float(t)), 0.05)
        np.testing.assert_allclose(w, theirs.detach().numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", [name for name in PAIRS if name != "adamw"])
def test_proximal_steps_end_at_the_lasso_solution(name):
    """Min (w - a)^T D (w - a) / 2 + l1 |w| with D diagonal: w = soft_threshold(a, l1 / D), whatever the optimizer.

    A threshold of lr * l1 under momentum m would solve the problem with l1 * (1 - m) instead.
    """
    optimizer = PAIRS[name][0]
    curvature = np.array([[0.5, 1.0, 2.0, 1.0, 3.0]])
    a, l1 = np.array([[2.0, -0.5, 0.2, 0.7, -1.0]]), 0.6
    expected = np.sign(a) * np.maximum(np.abs(a) - l1 / curvature, 0)
    w, slots = np.full((1, 5), 0.3), optimizer.init(a)
    for t in range(20_000):
        rate = 0.05 / (1 + 0.005 * t) if name in ("rmsprop", "adam") else 0.5 if name == "adagrad" else 0.05
        w, slots, _ = update(
            optimizer,
            LAYOUT,
            w,
            curvature * (w - a),
            slots,
            Strengths(l1=np.full((1, 1), l1)),
            np.asarray(float(t)),
            rate,
        )
    np.testing.assert_allclose(w, expected, atol=2e-3 if name == "rmsprop" else 1e-4)
    assert ((w == 0) == (expected == 0)).all()


def test_the_subgradient_step_leaves_no_exact_zero():
    w, slots, optimizer = np.full((1, 5), 0.3), (), SGD()
    for t in range(500):
        w, slots, _ = update(
            optimizer,
            LAYOUT,
            w,
            0 * w,
            slots,
            Strengths(l1_subgradient=np.full((1, 1), 0.37)),
            np.asarray(float(t)),
            0.01,
        )
    assert (w != 0).all()
    assert np.abs(w).max() < 0.01


def test_bias_correction_keeps_its_digits_in_float32():
    """1 - 0.999^1 in float32 is off by 5e-5 relative; through expm1 it is exact to rounding."""
    w = np.ones((1, 1), dtype=np.float32)
    grad = np.full((1, 1), 0.5, dtype=np.float32)
    adam = Adam(epsilon=0.0)
    moved = adam.descend(w, grad, adam.init(w), np.asarray(0.0, dtype=np.float32), np.float32(0.01)).point
    assert moved.dtype == np.float32
    assert 1 - moved[0, 0] == pytest.approx(0.01, rel=1e-5)


@pytest.mark.parametrize("make", [lambda: Adam(beta1=1.0), lambda: SGD(momentum=1.0), lambda: RMSprop(rho=-0.1)])
def test_decay_rates_outside_their_range_are_refused(make):
    with pytest.raises(ValueError, match="must lie in"):
        make()


def test_weights_that_l2_lets_underflow_are_zero_and_not_subnormal():
    """A neuron that died keeps no gradient but L2's; products with subnormal numbers would slow everything down."""
    start = np.full((1, 5), 1e-36, dtype=np.float32)
    for optimizer in (SGD(0.1), SGD(0.1, momentum=0.5), Adam(0.1, epsilon=1.0)):
        w, slots = start, optimizer.init(start)
        strengths = Strengths(l2=np.full((1, 5), 1.0, dtype=np.float32))
        for t in range(300):
            rate = np.full((1, 1), 0.1, dtype=np.float32)
            w, slots, _ = update(optimizer, LAYOUT, w, 0 * w, slots, strengths, np.asarray(t), rate)
            assert (np.abs(w[w != 0]) >= np.finfo(np.float32).smallest_normal).all()
        assert (w == 0).all()


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_learning_rates_are_positive():
    for make in (lambda: Adam(0.0), lambda: SGD(-1.0), lambda: Adam([0.1, float("nan")])):
        with pytest.raises(ValueError, match="must be positive"):
            make()
