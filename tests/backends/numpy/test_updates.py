"""NumPy's update and numba's against the reference's: every optimizer, every set of terms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from conftest import need
from steps import near

from regnet import SGD, Adagrad, Adam, AdamW, RMSprop
from regnet.networks import kernels
from regnet.networks.layout import Layout
from regnet.networks.strengths import Strengths

LAYOUT = Layout(((6, 4), (1, 4), (4, 3), (1, 3)))


@pytest.fixture(autouse=True)
def _numba():
    need("numba")


OPTIMIZERS = [
    Adam(), Adam(epsilon_hat=True, beta1=0.0), AdamW(weight_decay=0.1), SGD(), SGD(momentum=0.9),
    SGD(momentum=0.9, nesterov=True), RMSprop(), Adagrad(),
]  # fmt: skip
TERMS = [(), ("l1",), ("l1_subgradient", "l2"), ("l1", "l1_subgradient"), ("l1", "batch_l2"), ("l1", "l2", "batch_l2")]
SETS = list(itertools.product(TERMS, (False, True)))
"""Terms, and whether there are groups: numba compiles a loop for each of them."""


class Update:
    """The compiled update of a stack's networks one by one, as `AdamUpdate` has it; on arrays that it owns."""

    def __init__(self, optimizer, layout, arrays, strengths):
        from regnet_numpy.compiled import penalty_loops, update, update_loops

        self.value, self.update_point, point = penalty_loops.penalty_value, update_loops.update_point, arrays[0]
        self.rule, self.shape = update.rule_of(optimizer, point.dtype), (*point.shape[:-1], 1)
        self.parts = [
            (
                update.moments_of(optimizer, arrays, k),
                update.penalty_of(strengths, layout, k, part_of(point, k), [slice(None)]),
            )
            for k in range(point.size // point.shape[-1])
        ]

    def penalty(self, share):
        values = [
            self.value(moments.point, penalty, share_of(share, k)) for k, (moments, penalty) in enumerate(self.parts)
        ]
        return np.asarray(values, self.parts[0][0].point.dtype).reshape(self.shape)

    def step(self, t, rate, grad, share):
        for k, (moments, penalty) in enumerate(self.parts):
            args = part_of(grad, k)[0], penalty, self.rule, part_of(rate, k).item(), float(t), share_of(share, k)
            self.update_point(moments, *args, 0, grad.shape[-1])


def part_of(array, k):
    return array if array.ndim == 2 else array[k if len(array) > 1 else 0]


def share_of(share, k):
    return 1.0 if share is None else float(part_of(share, k).item())


def update_of(kind, optimizer, arrays, strengths):
    """NumPy's update or the compiled one, on copies of point and slots, and the copies."""
    from regnet_numpy.adam import AdamUpdate

    own = tuple(array.copy() for array in arrays)
    if kind == "compiled":
        return Update(optimizer, LAYOUT, own, strengths), own
    return AdamUpdate(optimizer, LAYOUT, own, strengths, [np.empty_like(own[0]) for _ in range(2)]), own


@pytest.mark.parametrize("stride", [pytest.param(6, id="few"), pytest.param(1, id="all", marks=pytest.mark.slow)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("networks", [None, 3])
@pytest.mark.parametrize(
    ("kind", "optimizer"),
    [("arrays", optimizer) for optimizer in OPTIMIZERS[:3]] + [("compiled", optimizer) for optimizer in OPTIMIZERS],
    ids=str,
)
def test_updates(kind, optimizer, networks, dtype, stride, rng):
    """Several sets of terms, with one strength for all networks or one each, and groups on two of four arrays.

    A few sets are other ones for the next optimizer and type, so that each is met by one of them at least.
    """
    leading = () if networks is None else (networks,)
    shape = (*leading, 1, LAYOUT.size)
    first = OPTIMIZERS.index(optimizer) + 3 * (dtype == "float64")
    for terms, grouped in SETS[first % stride :: stride]:
        point, grad = rng.standard_normal(shape).astype(dtype), rng.standard_normal(shape).astype(dtype)
        point[..., ::3] = 0.0
        slots = tuple(np.abs(rng.standard_normal(shape)).astype(dtype) for _ in optimizer.init(point))
        strengths = {}
        for number, term in enumerate(terms):
            shared = (1, LAYOUT.size) if networks is None else (networks if number % 2 else 1, 1, LAYOUT.size)
            strengths[term] = rng.uniform(0, 0.5, shared).astype(dtype)
        inputs, neurons = (rng.uniform(0, 200, (*leading, n, 1)).astype(dtype) for n in (6, 1))
        inputs[..., 2, :] = 0.0  # an input that is not penalised
        own = Strengths(**strengths, group=(inputs, None, neurons, None) if grouped else ())
        rate = rng.uniform(0.001, 0.1, (*leading, 1, 1)).astype(dtype)
        for share in (np.full((*leading, 1, 1), 0.3, dtype), None):
            args = (optimizer, LAYOUT, point, grad, slots, own, np.asarray(5, "int32"), rate, share, True)
            expected = kernels.update(*args)
            update, got = update_of(kind, optimizer, (point, *slots), own)
            near(update.penalty(share), expected.penalty, dtype)
            update.step(5, rate.astype("float64"), grad.copy(), share)
            near(got, (expected.point, *expected.slots), dtype)
            assert ((got[0] == 0) == (expected.point == 0)).all()


def test_subnormal_weights_and_moments_become_zero():
    tiny, optimizer = np.full((1, LAYOUT.size), 1e-39, dtype=np.float32), Adam(epsilon=1.0)
    update, (point, m, _) = update_of("compiled", optimizer, (tiny,) * 3, Strengths(l2=np.ones_like(tiny)))
    update.step(5, np.full((1, 1), 0.1), 0 * tiny, None)
    assert (point == 0).all()
    assert (m == 0).all()
