"""From rows, penalties and an optimizer to what a step works on: checked, encoded, and on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.tree import leaves, tree_map
from regnet.arrays.types import Array, Tree
from regnet.backend.given import check_given, named
from regnet.backend.placement import Placement, placement_of
from regnet.mathematics.optimizers import Optimizer
from regnet.mathematics.penalties import Penalty
from regnet.mathematics.schedules import as_schedule
from regnet.networks.network import Network, Rows
from regnet.networks.rows import rows_of
from regnet.networks.strengths import place_strengths
from regnet.training.batches import Data
from regnet.training.step import Hyper, State, first_state

__all__ = ["Problem", "assemble", "count_networks", "prepare"]


class Problem(NamedTuple):
    """Everything on the device. networks: K for a stack, else None; batch_rngs: one generator per permutation;
    batch_rows: rows of a step; numbers: those of `train` that batches are made of, where the others have weight 0;
    None: all.
    """

    placement: Placement
    networks: int | None
    train: Rows
    validation: Rows | None
    data: Data
    hyper: Hyper
    state: State
    batch_rngs: list[np.random.Generator]
    batch_rows: int
    numbers: NDArray[np.int64] | None = None

    @property
    def rows(self) -> int:
        """How many rows an epoch has."""
        return int(self.train.x.shape[-2]) if self.numbers is None else len(self.numbers)


def prepare(
    network: Network,
    x: Any,
    y: Any,
    *,
    optimizer: Optimizer,
    penalties: Penalty | Sequence[Penalty | None] | None,
    batch_size: int | None,
    sample_weight: Any,
    validation_data: tuple[Any, ...] | None,
    params: Tree | None,
    seed: int | Sequence[int],
) -> Problem:
    """Check and place the arguments of `fit`, which documents them. Raises ValueError, TypeError, BackendError."""
    check_given("x", x)
    placement = placement_of(x, y, sample_weight)
    train = rows_of(network, placement, x, y, sample_weight)
    validation = None
    if validation_data is not None:
        if len(validation_data) not in (2, 3):
            raise ValueError("validation_data must be (x, y) or (x, y, sample_weight).")
        with named("validation_data"):
            validation = rows_of(network, placement, *validation_data)
    return assemble(
        network,
        placement,
        train,
        validation,
        optimizer=optimizer,
        penalties=penalties,
        batch_size=batch_size,
        params=params,
        seed=seed,
    )


def assemble(
    network: Network,
    placement: Placement,
    train: Rows,
    validation: Rows | None,
    *,
    optimizer: Optimizer,
    penalties: Penalty | Sequence[Penalty | None] | None,
    batch_size: int | None,
    params: Tree | None,
    seed: int | Sequence[int],
    batch_l2: float = 0.0,
    numbers: NDArray[np.int64] | None = None,
) -> Problem:
    """The problem of training `network` on rows that lie on the device of `placement`; see `fit` for the arguments.

    batch_l2: strength on all weights of the L2 that grows as batches shrink, see `Strengths`; numbers: see `Problem`.
    """
    per_layer = _penalty_per_layer(network, penalties)
    networks = count_networks(train, optimizer, per_layer, seed)
    streams = [np.random.SeedSequence(one).spawn(3) for one in np.atleast_1d(np.asarray(seed)).tolist()]
    host = _initial(network, params, [np.random.default_rng(stream[0]) for stream in streams], networks)
    start = network.pack(tree_map(placement.put, host))  # a copy: the state passed to a step is consumed
    key = np.stack([stream[2].generate_state(1).astype(np.uint32).view(np.int32) for stream in streams])
    state = first_state(optimizer, start, placement)
    hyper = Hyper(
        learning_rate=_spread(placement, as_schedule(optimizer.learning_rate).initial, networks),
        strengths=place_strengths(network, placement, per_layer, networks, batch_l2),
        seed=_spread(placement, key[:, 0] if len(key) > 1 else key[0, 0], networks, "int32")
        if network.has_dropout
        else None,
    )
    n = train.x.shape[-2] if numbers is None else len(numbers)
    size = n if batch_size is None else min(batch_size, n)
    row_number = placement.put(np.arange(size)[:, None], "int32") if network.has_dropout else None
    data = Data(train.x, train.y, train.weight, row_number)
    rngs = [np.random.default_rng(stream[1]) for stream in streams]
    return Problem(placement, networks, train, validation, data, hyper, state, rngs, size, numbers)


def _penalty_per_layer(network: Network, penalties: Penalty | Sequence[Penalty | None] | None) -> list[Penalty]:
    count = len(network.dense_layers)
    if penalties is None or isinstance(penalties, Penalty):
        return [penalties or Penalty()] * count
    if len(penalties) != count:
        raise ValueError(
            f"penalties has {len(penalties)} entries, but the network has {count} Dense layers: give one Penalty for "
            "all, or one (or None) per Dense layer."
        )
    return [penalty or Penalty() for penalty in penalties]


def count_networks(train: Rows, optimizer: Optimizer, penalties: Sequence[Penalty], seed: Any) -> int | None:
    """K if anything is given once per network (seeds, learning rates, strengths, rows), else None.

    Raises ValueError if two of them disagree.
    """
    given = {"seed": seed, "learning_rate": as_schedule(optimizer.learning_rate).initial}
    for number, penalty in enumerate(penalties):
        given |= {f"penalties[{number}].{name}": value for name, value in penalty.strengths().items()}
        for name in ("penalty_factor", "groups"):
            if np.ndim(getattr(penalty, name)) == 2:
                given[f"penalties[{number}].{name}"] = getattr(penalty, name)
    sizes = {name: len(value) for name, value in given.items() if np.ndim(value) > 0}
    for name, array in (("x", train.x), ("y", train.y), ("sample_weight", train.weight)):
        if array.ndim > 2:
            sizes[name] = array.shape[0]
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        raise ValueError(f"The number of networks in the stack is not clear: {listed}.")
    return next(iter(sizes.values()), None)


def _initial(network: Network, params: Tree | None, rngs: list[np.random.Generator], networks: int | None) -> Tree:
    """Parameters on the host (drawn) or where the caller has them (given), stacked if there is a stack."""
    if params is None:
        drawn = [network.init(rng) for rng in rngs]
        if networks is None:
            return drawn[0]
        return tree_map(lambda *parts: np.stack(parts), *(drawn if len(drawn) > 1 else drawn * networks))
    given = leaves(params)
    if [tuple(leaf.shape[-2:]) for leaf in given] != list(network.layout.shapes):
        raise ValueError("params do not fit the network: their shapes differ from what network.init() returns.")
    if networks is not None:
        given = [
            array_namespace(leaf).broadcast_to(leaf, (networks, *leaf.shape[-2:])) if leaf.ndim == 2 else leaf
            for leaf in given
        ]
    return network.params_from(given)


def _spread(placement: Placement, value: Any, networks: int | None, dtype: str | None = None) -> Array:
    """A number, or one per network, as (1, 1) or (K, 1, 1)."""
    values = np.asarray(value)
    if networks is None:
        return placement.put(values.reshape(1, 1), dtype)
    return placement.put(np.broadcast_to(values.reshape(-1, 1, 1), (networks, 1, 1)), dtype)
