"""How the kernels see a network, its loss and its optimizer: as numbers that the CUDA source has names for."""

from __future__ import annotations

from typing import Any, NamedTuple

from regnet.mathematics.activations import Identity, LeakyRelu, Relu, Sigmoid, Tanh
from regnet.mathematics.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Huber,
    Poisson,
    SquaredError,
)
from regnet.mathematics.optimizers import OPTIMIZERS, SGD
from regnet.mathematics.schedules import Constant, Cosine, Exponential, InverseTime, StepDecay, as_schedule
from regnet_cupy.device_code import FEW

__all__ = ["ACTIVATIONS", "LOSSES", "RULES", "Plan", "plan_of"]

FEW_WEIGHTS = 4096
"""Weights of a layer of few outputs up to which our own product takes it: it reads them once a row, from cache."""

ACTIVATIONS: tuple[type[Any], ...] = (Identity, Relu, LeakyRelu, Tanh, Sigmoid)
LOSSES: tuple[type[Any], ...] = (
    CategoricalCrossEntropy, BinaryCrossEntropy, SquaredError, AbsoluteError, Huber, Poisson,
)  # fmt: skip
RULES = ("SGD", "Momentum", "Nesterov", "Adagrad", "RMSprop", "Adam", "AdamW")
SCHEDULES: tuple[type[Any], ...] = (Constant, Cosine, Exponential, InverseTime, StepDecay)


class Plan(NamedTuple):
    """widths: inputs and layers; activations, slopes: of every layer; dropouts: after every layer, as its number in the
    network and its rate, 0 for none; the rest as the optimizer has it.
    """

    widths: tuple[int, ...]
    activations: tuple[int, ...]
    slopes: tuple[float, ...]
    dropouts: tuple[tuple[int, float], ...]
    loss: int
    delta: float
    rule: int
    beta1: float
    beta2: float
    epsilon: float
    epsilon_hat: bool
    decay: float

    @property
    def depth(self) -> int:
        """Layers."""
        return len(self.activations)

    @property
    def ends_linear(self) -> bool:
        """Whether nothing but the loss is done to the last layer's outputs."""
        return ACTIVATIONS[self.activations[-1]] is Identity

    @property
    def few_inputs(self) -> bool:
        """Whether the first layer's products are sums of few terms: a launch takes longer than those."""
        return self.widths[0] <= FEW

    @property
    def few_outputs(self) -> bool:
        """Whether the way back from the last layer to a hidden one is a sum of few terms."""
        return self.depth > 1 and self.widths[-1] <= FEW

    @property
    def own_outputs(self) -> bool:
        """Whether the last layer's product is made where the loss is."""
        return self.few_outputs and self.ends_linear and self.widths[-1] * self.widths[-2] <= FEW_WEIGHTS

    @property
    def late_bias(self) -> bool:
        """Whether the loss adds the last biases to a product that was made before."""
        return self.ends_linear and not self.own_outputs and not (self.depth == 1 and self.few_inputs)

    @property
    def has_products(self) -> bool:
        """Whether there are products too large for kernels of our own."""
        return not self.few_inputs or self.depth > 1 + self.own_outputs


def plan_of(network: Any, optimizer: Any, /) -> Plan | None:
    """The plan, or None if something in it is not regnet's own, or drops out where no hidden layer ends."""
    dropouts = _dropouts_of(network)
    activations = [layer.activation_object for layer in network.dense_layers]
    numbers = [_number(ACTIVATIONS, activation) for activation in activations]
    loss, rule = _number(LOSSES, network.loss_object), _rule_of(optimizer)
    ours = type(as_schedule(optimizer.learning_rate)) in SCHEDULES
    if dropouts is None or loss is None or rule is None or None in numbers or not ours:
        return None
    return Plan(
        widths=(network.in_features, *(layer.out_features for layer in network.dense_layers)),
        activations=tuple(number for number in numbers if number is not None),
        slopes=tuple(float(getattr(activation, "slope", 0.0)) for activation in activations),
        dropouts=dropouts,
        loss=loss,
        delta=float(getattr(network.loss_object, "delta", 0.0)),
        rule=rule,
        beta1=float(getattr(optimizer, "beta1", getattr(optimizer, "momentum", 0.0))),
        beta2=float(getattr(optimizer, "beta2", getattr(optimizer, "rho", 0.0))),
        epsilon=float(getattr(optimizer, "epsilon", 0.0)),
        epsilon_hat=bool(getattr(optimizer, "epsilon_hat", False)),
        decay=float(getattr(optimizer, "weight_decay", 0.0)),
    )


def _number(known: tuple[type[Any], ...], thing: Any) -> int | None:
    """Its place among the known types; what is derived from one of them may be another function."""
    return known.index(type(thing)) if type(thing) in known else None


def _rule_of(optimizer: Any) -> int | None:
    if type(optimizer) not in OPTIMIZERS:
        return None
    name = type(optimizer).__name__
    if type(optimizer) is SGD and optimizer.momentum:
        name = "Nesterov" if optimizer.nesterov else "Momentum"
    return RULES.index(name)


def _dropouts_of(network: Any) -> tuple[tuple[int, float], ...] | None:
    """The dropout after each Dense layer; None if there is one before the first or after the last, or two in a row."""
    found = [(0, 0.0)] * len(network.dense_layers)
    dense = -1
    for number, layer in enumerate(network.layers):
        if not hasattr(layer, "rate"):
            dense += 1
        elif layer.rate:
            if not 0 <= dense < len(found) - 1 or found[dense][1]:
                return None
            found[dense] = number, layer.rate
    return tuple(found)
