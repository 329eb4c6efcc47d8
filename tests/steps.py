"""Steps to compare by: the reference's, repeated, and problems for them."""

from __future__ import annotations

import math

import numpy as np
import reference

from regnet import Adam, Network
from regnet.arrays.tree import leaves
from regnet.backend.protocol import Backend
from regnet.backend.registry import get_backend
from regnet.networks.strengths import Strengths
from regnet.training.batches import Data
from regnet.training.step import Hyper, State, make_step

BACKEND = get_backend("numpy")
ROUNDING = {"float32": 3e-6, "float64": 1e-13}


class Reference(Backend):
    """NumPy without any kernel of its own."""

    name = "reference"
    owns = staticmethod(BACKEND.owns)
    asarray, to_numpy, describe = BACKEND.asarray, BACKEND.to_numpy, BACKEND.describe
    sum_rows, select = BACKEND.sum_rows, BACKEND.select


def close(got, expected, dtype):
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=10 * ROUNDING[dtype], atol=ROUNDING[dtype] * max(np.abs(b).max(), 1e-3))


def near(got, expected, dtype, slack=1):
    """Of records of arrays, some of which may be None."""
    assert type(got) is type(expected)
    if isinstance(expected, (tuple, list)):
        for a, b in zip(got, expected, strict=True):
            near(a, b, dtype, slack)
    elif expected is not None:
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        rounding = slack * {"float32": 1e-6, "float64": 1e-13}[dtype]
        np.testing.assert_allclose(got, expected, rtol=10 * rounding, atol=rounding * np.abs(expected).max())


def same(got, expected):
    assert [np.array_equal(a, b) for a, b in zip(leaves(got), leaves(expected), strict=True)].count(False) == 0


def state_of(optimizer, point, running=False):
    ones = np.ones((*point.shape[:-1], 1), point.dtype)
    return State(
        point,
        optimizer.init(point),
        np.asarray(3, "int32"),
        0 * ones,
        -ones.astype("int32"),
        0 * ones if running else None,
    )


def problem(network, networks, dtype, rng, rows=50, own_rows=False):
    """Parameters, rows of data, and a learning rate."""
    leading = () if networks is None else (networks,)
    table = leading if own_rows else ()
    x = rng.standard_normal((*table, rows, network.in_features)).astype(dtype)
    y = np.broadcast_to(
        reference.targets(rng, network.loss, rows, network.out_features), (*table, rows, network.out_features)
    )
    weight = rng.uniform(0.5, 1.5, (*table, rows, 1))
    weight = (weight / weight.sum(-2, keepdims=True)).astype(dtype)
    point = (0.5 * rng.standard_normal((*leading, 1, network.layout.size))).astype(dtype)
    rate = rng.uniform(0.005, 0.02, (*leading, 1, 1)).astype(dtype)
    return point, Data(x, np.ascontiguousarray(y).astype(dtype), weight, None), rate


def strengths_of(kind, layout, point, rng):
    """No terms; smooth ones; L1; groups in the first weight, some of strength 0; all of them."""
    shape, dtype = point.shape, point.dtype
    smooth = {"l2": np.full(shape, 1e-2, dtype), "batch_l2": rng.uniform(0, 1e-2, shape).astype(dtype)}
    l1 = np.full((*shape[:-1], 1), 0.05, dtype)
    rows = layout.shapes[0][0]
    group = (0.5 * rng.integers(0, 2, (*shape[:-2], rows, 1))).astype(dtype)
    group[..., 0, 0] = 5
    groups = (group, *(None,) * (len(layout.shapes) - 1))
    return {
        "none": Strengths(),
        "smooth": Strengths(**smooth),
        "l1": Strengths(l1=l1),
        "group": Strengths(group=groups, l2=smooth["l2"]),
        "all": Strengths(l1=l1, group=groups, **smooth),
    }[kind]


def repeat(network, optimizer, state, data, hyper, n):
    """N steps of the reference."""
    step = make_step(Reference(), network, optimizer)
    for _ in range(n):
        state = step(state, data, hyper)
    return state


def check_divergence(make_run, networks, rng):
    """The last network's loss is infinite at once: it stays as it is, and its neighbours go on."""
    network, optimizer = Network.mlp([6, 8, 1], loss="squared_error"), Adam(0.01)
    point, data, rate = problem(network, networks, "float32", rng)
    hyper, run = Hyper(rate, Strengths(), None), make_run(network, optimizer)
    healthy = run(state_of(optimizer, point), data, hyper, 5)
    sick = point.copy()
    sick[-1] = 1e30
    got = run(state_of(optimizer, sick), data, hyper, 5)
    assert got.diverged_at.ravel().tolist() == [-1] * ((networks or 1) - 1) + [3]
    same(got.point[-1], sick[-1])
    assert int(got.t) == 8
    if networks:
        same(got.point[:-1], healthy.point[:-1])


def check_subnormal_weights(make_run, rng):
    """Under an L2 weights would get below the smallest normal number one by one, and slow every product down."""
    network, optimizer = Network.mlp([3, 4, 2], loss="squared_error"), Adam(1e-6)
    point, data, rate = problem(network, None, "float32", rng)
    data = data._replace(x=0 * data.x)  # the first layer's weights have no gradient but the penalty's
    point[:, :12] = 1e-39
    hyper = Hyper(0 * rate, strengths_of("smooth", network.layout, point, rng), None)
    got = make_run(network, optimizer)(state_of(optimizer, point), data, hyper, 16)
    assert (got.point[:, :12] == 0).all()
    assert (got.point[:, 12:] != 0).any()


SIZES = [(1e-25, "float32"), (1e20, "float32"), (1e-170, "float64"), (1e155, "float64")]


def check_groups_of_any_size(make_run, rng, scale, dtype, optimizer=Adam(0.01)):  # noqa: B008 (frozen)
    """Rows far too small or large to be squared: one below its threshold, one of four times that, one that is no group.

    The first layer's weights have no gradient; a row's new length is a matter of math.hypot.
    """
    network = Network.mlp([3, 5, 2], loss="squared_error")
    point, data, rate = problem(network, None, dtype, rng)
    data, rate = data._replace(x=0 * data.x), np.full_like(rate, 0.01)
    rows = (scale * rng.standard_normal((3, 5))).astype(dtype)
    point[0, :15] = rows.reshape(-1)
    norms = np.array([math.hypot(*map(float, row)) for row in rows])
    # With moments of 0 Adam's metric is epsilon times the root that its step size is multiplied by.
    step_size = 0.01 / (optimizer.epsilon if isinstance(optimizer, Adam) else 1)
    thresholds = norms * [1.5, 0.25, 0]
    group = (thresholds / step_size).astype(dtype)[:, None]
    hyper = Hyper(rate, Strengths(group=(group, None, None, None)), None)
    start = state_of(optimizer, point, True)
    got = make_run(network, optimizer)(start, data, hyper, 1)
    new = got.point[0, :15].reshape(3, 5)
    assert (new[0] == 0).all()
    np.testing.assert_allclose(new[1:], rows[1:] * [[0.75], [1]], rtol=1e-5 if dtype == "float32" else 1e-12)
    penalty = sum(float(strength) * float(norm) for strength, norm in zip(group[:, 0], norms, strict=True))
    if penalty < float(np.finfo(dtype).max):
        np.testing.assert_allclose(got.running_loss, got.loss + penalty, rtol=1e-5)


def check_sure_rows(loss_of, loss, depth, dtype):
    """`loss_of(network, point, data)` of one row at a time, the outputs of a network that hands its inputs through."""
    z, y, expected = reference.sure_rows(loss)
    width = z.shape[1]
    network = Network.mlp([width] * (depth + 1), loss=loss, activation="identity")
    layer = np.concatenate([np.eye(width).reshape(-1), np.zeros(width)])
    point = np.tile(layer, depth)[None].astype(dtype)
    for row, target, value in zip(z.astype(dtype), y.astype(dtype), expected, strict=True):
        data = Data(row[None], target[None], np.ones((1, 1), dtype), None)
        got = float(loss_of(network, point, data))
        assert math.isclose(got, value, rel_tol=1e-6 if dtype == "float32" else 1e-14), (row, target)
