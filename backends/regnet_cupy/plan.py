"""How the kernels see a network, its loss and its optimizer: as numbers that the CUDA source has names for."""

from __future__ import annotations

from typing import Any, NamedTuple

from regnet.mathematics.activations import Activation, Identity, LeakyRelu, Relu, Sigmoid, Tanh
from regnet.mathematics.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Huber,
    Poisson,
    SquaredError,
)
from regnet.mathematics.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from regnet.mathematics.schedules import SCHEDULES, as_schedule
from regnet_cupy.device_code import FEW, ROUND, THREADS, Form

__all__ = ["ACTIVATIONS", "LOSSES", "RULES", "Plan", "plan_of"]

REGISTERS = 150
"""Numbers up to which a thread keeps its units' weights, gradients and activations in its 255 registers."""

ACTIVATIONS: tuple[type[Any], ...] = (Identity, Relu, LeakyRelu, Tanh, Sigmoid)
LOSSES: tuple[type[Any], ...] = (
    CategoricalCrossEntropy, BinaryCrossEntropy, SquaredError, AbsoluteError, Huber, Poisson,
)  # fmt: skip
RULES = ("SGD", "Momentum", "Nesterov", "Adagrad", "RMSprop", "Adam", "AdamW")


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
    def all_few(self) -> bool:
        """Whether there is one hidden layer between few inputs and the outputs."""
        return self.depth == 2 and self.few_inputs

    @property
    def few_outputs(self) -> bool:
        """Whether the way back from the last layer to a hidden one is a sum of few terms, made where it is used."""
        return self.depth > 1 and self.widths[-1] <= FEW and not self.own_outputs and not self.all_few

    @property
    def own_outputs(self) -> bool:
        """Whether one kernel goes from the last hidden layer to the loss and back, its units' weights in registers."""
        numbers = 2 * (self.widths[-1] + self.widths[0] * self.all_few + 1) + ROUND
        few = self.depth > 1 and self.widths[-1] <= FEW
        return few and self.ends_linear and self.units * numbers <= REGISTERS

    @property
    def in_one(self) -> bool:
        """Whether that kernel begins at the inputs."""
        return self.own_outputs and self.all_few

    @property
    def units(self) -> int:
        """Units of the last hidden layer that a thread of that kernel has."""
        return -(-self.widths[-2] // THREADS)

    @property
    def form(self) -> Form:
        """What the kernels are compiled for."""
        inputs, outputs = (width if width <= FEW else 1 for width in (self.widths[0], self.widths[-1]))
        if not self.own_outputs:
            return Form(inputs, outputs)
        return Form(inputs, outputs, self.units, self.activations[-2], self.dropouts[-2][1] > 0)

    @property
    def late_bias(self) -> bool:
        """Whether the loss adds the last biases to a product that was made before."""
        return self.ends_linear and not self.own_outputs and not (self.depth == 1 and self.few_inputs)

    @property
    def has_products(self) -> bool:
        """Whether there are products too large for kernels of our own."""
        return not self.few_inputs or self.depth > 1 + self.own_outputs


def plan_of(network: Any, optimizer: Optimizer, /) -> Plan | None:
    """The plan, or None if something in it is not regnet's own, or drops out where no hidden layer ends."""
    activations: list[Activation] = [layer.activation_object for layer in network.dense_layers]
    loss, rule, dropouts = network.loss_object, _rule_of(optimizer), _dropouts_of(network)
    known = type(loss) in LOSSES and all(type(activation) in ACTIVATIONS for activation in activations)
    scheduled = type(as_schedule(optimizer.learning_rate)) in SCHEDULES
    if not network.is_plain or not known or not scheduled or rule is None or dropouts is None:
        return None
    return Plan(
        widths=(network.in_features, *(layer.out_features for layer in network.dense_layers)),
        activations=tuple(ACTIVATIONS.index(type(activation)) for activation in activations),
        slopes=tuple(float(one.slope) if type(one) is LeakyRelu else 0.0 for one in activations),
        dropouts=dropouts,
        loss=LOSSES.index(type(loss)),
        delta=float(loss.delta) if type(loss) is Huber else 0.0,
        **rule,
    )


def _rule_of(optimizer: Optimizer) -> dict[str, Any] | None:
    """The optimizer's part of a plan; None for one that is not exactly of our types."""
    found: dict[str, Any] = {"beta1": 0.0, "beta2": 0.0, "epsilon": 0.0, "epsilon_hat": False, "decay": 0.0}
    if type(optimizer) is SGD:
        name = "SGD" if not optimizer.momentum else "Nesterov" if optimizer.nesterov else "Momentum"
        found["beta1"] = float(optimizer.momentum)
    elif type(optimizer) is Adagrad:
        name, found["epsilon"] = "Adagrad", float(optimizer.epsilon)
    elif type(optimizer) is RMSprop:
        name, found["beta2"], found["epsilon"] = "RMSprop", float(optimizer.rho), float(optimizer.epsilon)
    elif type(optimizer) is Adam or type(optimizer) is AdamW:
        name, found["epsilon_hat"] = "Adam", bool(optimizer.epsilon_hat)
        found |= {key: float(getattr(optimizer, key)) for key in ("beta1", "beta2", "epsilon")}
        if type(optimizer) is AdamW:
            name, found["decay"] = "AdamW", float(optimizer.weight_decay)
    else:
        return None
    return {"rule": RULES.index(name), **found}


def _dropouts_of(network: Any) -> tuple[tuple[int, float], ...] | None:
    """The dropout after each Dense layer; None if there is one before the first or after the last, or two in a row."""
    found = [(0, 0.0)] * len(network.dense_layers)
    for number, before, rate in network.dropouts:
        if not 1 <= before < len(found) or found[before - 1][1]:
            return None
        found[before - 1] = number, rate
    return tuple(found)
