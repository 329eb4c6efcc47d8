"""A penalty that a network evades: scale moves from the layers that have it to layers that have none.

Relu, LeakyRelu and Identity are positively homogeneous, f(c z) = c f(z) for c > 0. So a neuron's incoming weights and
bias may be multiplied by c and its outgoing weights by 1 / c, and no prediction changes. A penalty on the incoming side
alone falls by c (L1, groups) or c^2 (L2) meanwhile, with nothing against it: its infimum is 0, whatever the network
computes, and its strength means nothing but how fast it is approached.

Whether a training has done so, its norms tell. Without penalties gradient flow keeps ||in||^2 - ||out||^2 of every
neuron as it is, so that both rise or both fall; an L2 of strength s on one side takes 4 s ||in||^2 from it per time.
Source: Du, Hu & Lee, Algorithmic regularization in learning deep homogeneous models: layers are automatically balanced,
NeurIPS 2018, theorem 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from regnet.mathematics.activations import Activation, Identity, LeakyRelu, Relu
from regnet.mathematics.penalties import Penalty
from regnet.networks.network import Network
from regnet.training.history import History

__all__ = ["Evasion", "Exits", "evasion_of", "exits_of"]

SHRUNK = 0.9
"""Of its largest squared norm, what a layer that is being emptied has left at most: Adam keeps the balance roughly.

On the spiral the others have grown to several times theirs by then.
"""


class Exits(NamedTuple):
    """Numbers of Dense layers: those whose weights are penalised, and those that their scale can move to."""

    penalised: tuple[int, ...]
    free: tuple[int, ...]


class Evasion(NamedTuple):
    """What happened, from `epoch` to the end of the training: squared norms of the weights of `exits`, (then, now)."""

    exits: Exits
    epoch: int
    penalised: tuple[float, float]
    free: tuple[float, float]


def exits_of(network: Network, penalties: Sequence[Penalty], /) -> Exits | None:
    """Where a penalty on some layers can be evaded to, or None: of one network, with one Penalty per Dense layer.

    Layers with homogeneous activations between them exchange their scale; so it takes one that has no penalty.
    """
    penalised = [any((one.weight_l1, one.weight_l2, one.group_l1)) for one in penalties]
    runs: list[list[int]] = [[]]
    for number, layer in enumerate(network.dense_layers):
        runs[-1].append(number)
        if not _is_homogeneous(layer.activation_object):
            runs.append([])
    mixed = [run for run in runs if len({penalised[layer] for layer in run}) == 2]
    if not mixed:
        return None
    layers = [layer for run in mixed for layer in run]
    return Exits(
        tuple(layer for layer in layers if penalised[layer]), tuple(layer for layer in layers if not penalised[layer])
    )


def evasion_of(network: Network, penalties: Sequence[Penalty], history: History, /) -> Evasion | None:
    """Whether a training of one network moved the scale of penalised layers to others, by the norms of its records.

    It did where the penalised weights have a tenth less of their squared norm than when it was largest, the others have
    more since then, and the product of all layers' norms, the scale of what the network computes, is no smaller.
    """
    exits = exits_of(network, penalties)
    if exits is None or len(history) < 2:
        return None
    norms = np.stack([history.column("weight_norm", str(layer)) for layer in range(len(penalties))], axis=1)
    squares = norms * norms
    penalised, free = (squares[:, list(layers)].sum(axis=1) for layers in exits)
    with np.errstate(divide="ignore"):
        scale = np.log(squares[:, [*exits.penalised, *exits.free]]).sum(axis=1)
    then = int(np.argmax(penalised))
    if not (penalised[-1] <= SHRUNK * penalised[then] and free[-1] > free[then] and scale[-1] >= scale[then]):
        return None
    return Evasion(
        exits, history[then].epoch, (float(penalised[then]), float(penalised[-1])),
        (float(free[then]), float(free[-1])),
    )  # fmt: skip


def _is_homogeneous(activation: Activation) -> bool:
    return type(activation) in (Identity, LeakyRelu, Relu)
