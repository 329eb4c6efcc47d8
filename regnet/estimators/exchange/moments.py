"""What `partial_fit` goes on from, as scikit-learn keeps it and as regnet does."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from regnet.backend.placement import to_host
from regnet.estimators.fitted import Resumable, SgdRate
from regnet.estimators.weights import weights_of
from regnet.mathematics.optimizers import SGD, Adam, Optimizer
from regnet.networks.network import Network, alternating

__all__ = ["optimizer_of", "resumable_of", "rule_parameters"]


def rule_parameters(rule: Optimizer, /) -> dict[str, Any]:
    """scikit-learn's parameters for an optimizer of regnet: solver 'adam' or 'sgd', with its rate where it is a number.

    Another rule than these two has no counterpart there, and gives none.
    """
    rate = rule.learning_rate
    found: dict[str, Any] = {"learning_rate_init": float(rate)} if isinstance(rate, Real) else {}
    if type(rule) is Adam:
        return {"solver": "adam", **found, "beta_1": rule.beta1, "beta_2": rule.beta2, "epsilon": rule.epsilon}
    if type(rule) is SGD:
        momentum = {"momentum": rule.momentum, "nesterovs_momentum": rule.nesterov}
        return {"solver": "sgd", **found, **momentum, "learning_rate": "constant"}
    return {}


def optimizer_of(resumable: Resumable, network: Network, /) -> Any | None:
    """scikit-learn's optimizer with the same memory; None where it has none that takes the same steps.

    Its velocity is v = -rate / (1 - m) u, of the slot u that `SGD` has.
    """
    rule, rate = resumable.optimizer, resumable.optimizer.learning_rate
    slots = [_by_kind(network, to_host(slot)) for slot in resumable.slots]
    params = slots[0] if slots else _by_kind(network, np.zeros((1, network.layout.size)))
    if not isinstance(rate, Real):
        return None
    if type(rule) is Adam and rule.epsilon_hat:
        adam = AdamOptimizer(params, float(rate), rule.beta1, rule.beta2, rule.epsilon)
        adam.t, (adam.ms, adam.vs) = resumable.t, slots
        return adam
    if type(rule) is SGD:
        at = resumable.rate or SgdRate("constant", float(rate), 0.5, float(rate))
        sgd = SGDOptimizer(params, at.initial, at.schedule, rule.momentum, rule.nesterov, at.power)
        sgd.learning_rate = at.value
        sgd.velocities = [-at.value / (1.0 - rule.momentum) * slot for slot in params]
        return sgd
    return None


def resumable_of(optimizer: Any, network: Network, /) -> Resumable | None:
    """The memory of scikit-learn's optimizer; None where regnet has none that takes the same steps."""
    if type(optimizer) is AdamOptimizer:
        moments = optimizer.beta_1, optimizer.beta_2, optimizer.epsilon
        rule = Adam(float(optimizer.learning_rate_init), *moments, epsilon_hat=True)
        slots = [_as_point(network, arrays) for arrays in (optimizer.ms, optimizer.vs)]
        return Resumable(rule, slots, int(optimizer.t), None, None)
    if type(optimizer) is SGDOptimizer and optimizer.momentum < 1:
        m, initial = float(optimizer.momentum), float(optimizer.learning_rate_init)
        at = SgdRate(optimizer.lr_schedule, initial, float(optimizer.power_t), float(optimizer.learning_rate))
        scale = -(1.0 - m) / at.value
        slots = [_as_point(network, [scale * one for one in optimizer.velocities])] if m else []
        return Resumable(SGD(initial, momentum=m, nesterov=bool(optimizer.nesterov)), slots, 0, at, None)
    return None


def _by_kind(network: Network, point: Any) -> list[NDArray[Any]]:
    """A point (1, size) as weights (in, out), then biases (out,): scikit-learn's order; copies."""
    weights, biases = weights_of(network.unpack(np.asarray(point)))
    return [np.array(one) for one in (*weights, *biases)]


def _as_point(network: Network, arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """scikit-learn's order as a point (1, size); a copy."""
    half = len(arrays) // 2
    return np.array(network.layout.pack(alternating(arrays[:half], arrays[half:])))
