"""From rows, penalties and an optimizer to what a step works on: checked, encoded, and on the device."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from regnet.namespace import array_namespace
from regnet.network import Network, Rows
from regnet.optimizers import Optimizer
from regnet.penalties import Penalty
from regnet.registry import Placement, is_host_data, placement_of, to_host
from regnet.regularizer import Strengths
from regnet.schedules import as_schedule
from regnet.step import Data, Hyper, State
from regnet.targets import encode_targets
from regnet.tree import leaves, rebuild, tree_map
from regnet.types import Array, Tree
from regnet.weighting import weight_shares

__all__ = ["Problem", "assemble", "count_networks", "place_strengths", "prepare", "rows_of", "table_of"]


class Problem(NamedTuple):
    """Everything on the device. networks: K for a stack, else None; batch_rngs: one generator per permutation;
    batch_rows: rows of a step.
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
    placement = placement_of(x, y, sample_weight)
    train = rows_of(network, placement, x, y, sample_weight)
    validation = None
    if validation_data is not None:
        if len(validation_data) not in (2, 3):
            raise ValueError("validation_data must be (x, y) or (x, y, sample_weight).")
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
) -> Problem:
    """The problem of training `network` on rows that lie on the device of `placement`; see `fit` for the arguments.

    batch_l2: strength on all weights of the L2 that grows as batches shrink, see `Strengths`.
    """
    per_layer = _penalty_per_layer(network, penalties)
    networks = count_networks(train, optimizer, per_layer, seed)
    streams = [np.random.SeedSequence(one).spawn(3) for one in np.atleast_1d(np.asarray(seed)).tolist()]
    host = _initial(network, params, [np.random.default_rng(stream[0]) for stream in streams], networks)
    start = network.pack(tree_map(placement.put, host))  # a copy: the state passed to a step is consumed
    key = np.stack([stream[2].generate_state(1).astype(np.uint32).view(np.int32) for stream in streams])
    shape = (1, 1) if networks is None else (networks, 1, 1)
    state = State(
        point=start,
        slots=optimizer.init(start),
        t=placement.put(np.asarray(0), "int32"),
        loss=placement.put(np.zeros(shape)),
        diverged_at=placement.put(np.full(shape, -1), "int32"),
    )
    hyper = Hyper(
        learning_rate=_spread(placement, as_schedule(optimizer.learning_rate).initial, networks),
        strengths=place_strengths(network, placement, per_layer, networks, batch_l2),
        seed=_spread(placement, key[:, 0] if len(key) > 1 else key[0, 0], networks, "int32")
        if network.has_dropout
        else None,
    )
    n = train.x.shape[-2]
    size = n if batch_size is None else min(batch_size, n)
    row_number = placement.put(np.arange(size)[:, None], "int32") if network.has_dropout else None
    data = Data(train.x, train.y, train.weight, row_number)
    rngs = [np.random.default_rng(stream[1]) for stream in streams]
    return Problem(placement, networks, train, validation, data, hyper, state, rngs, size)


def rows_of(network: Network, placement: Placement, x: Any, y: Any, sample_weight: Any = None) -> Rows:
    """Checked rows on the device: x (n, in) or (K, n, in), encoded y, weights that sum to 1."""
    table = table_of(x, placement, in_features=network.in_features)
    target = np.asarray(y) if is_host_data(y) else y
    if getattr(target, "dtype", None) is not None and str(target.dtype).startswith(("object", "<U", "|S", "str")):
        raise TypeError("y holds text or mixed objects: give class numbers 0, 1, ... or real values.")
    dtype = getattr(array_namespace(target), placement.dtype)
    encoded = placement.put(encode_targets(network, target, table.ndim, dtype=dtype))
    n = table.shape[-2]
    if encoded.shape[-2] != n:
        raise ValueError(f"x has {n} rows, but y has {encoded.shape[-2]}.")
    return Rows(table, encoded, _weights(sample_weight, n, placement))


def table_of(x: Any, placement: Placement, *, in_features: int) -> Array:
    """Place x on the device as (..., n, in_features), finite. Errors name the column where there is one."""
    names = [str(name) for name in getattr(x, "columns", [])]
    if is_host_data(x):
        x = np.asarray(x)
        if x.dtype.kind not in "fiub":
            raise TypeError(f"x holds values of type {x.dtype}, but a network takes numbers: encode text first.")
    if x.ndim not in (2, 3):
        raise ValueError(f"x has {x.ndim} axes, but a table (n, features) is needed, or (K, n, features) for a stack.")
    if x.shape[-1] != in_features:
        raise ValueError(f"x has {x.shape[-1]} features, but the network takes {in_features}.")
    if x.shape[-2] == 0:
        raise ValueError("x has no rows.")
    table = placement.put(x)
    xp = array_namespace(table)
    bad = ~xp.isfinite(table)
    if bool(xp.any(bad)):
        column = int(placement.backend.to_numpy(bad).reshape(-1, in_features).any(axis=0).argmax())
        name = f" ({names[column]})" if names else ""
        raise ValueError(f"x holds NaN or infinite values, first in column {column}{name}: fill or remove them.")
    return table


def _weights(sample_weight: Any, n: int, placement: Placement) -> Array:
    if sample_weight is None:
        return placement.put(np.full((n, 1), 1.0 / n))
    weight = np.asarray(to_host(sample_weight), dtype=np.float64)
    if weight.ndim == 0 or weight.shape[-1] != n:
        entries = weight.shape[-1] if weight.ndim else 1
        raise ValueError(f"sample_weight has {entries} entries, but x has {n} rows.")
    if not ((np.isfinite(weight) & (weight >= 0)).all() and (weight > 0).any(axis=-1).all()):
        raise ValueError("sample_weight must be finite, not negative, and not all 0.")
    return placement.put(weight_shares(weight)[..., None])


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
        if np.ndim(penalty.penalty_factor) == 2:
            given[f"penalties[{number}].penalty_factor"] = penalty.penalty_factor
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
    drawn = [network.init(rng) for rng in rngs]
    if params is None:
        if networks is None:
            return drawn[0]
        return tree_map(lambda *parts: np.stack(parts), *(drawn if len(drawn) > 1 else drawn * networks))
    given, wanted = leaves(params), leaves(drawn[0])
    if len(given) != len(wanted) or any(a.shape[-2:] != b.shape for a, b in zip(given, wanted, strict=False)):
        raise ValueError("params do not fit the network: their shapes differ from what network.init() returns.")
    if networks is not None:
        given = [
            array_namespace(leaf).broadcast_to(leaf, (networks, *leaf.shape[-2:])) if leaf.ndim == 2 else leaf
            for leaf in given
        ]
    return rebuild(drawn[0], given)


def _spread(placement: Placement, value: Any, networks: int | None, dtype: str | None = None) -> Array:
    """A number, or one per network, as (1, 1) or (K, 1, 1)."""
    values = np.asarray(value)
    if networks is None:
        return placement.put(values.reshape(1, 1), dtype)
    return placement.put(np.broadcast_to(values.reshape(-1, 1, 1), (networks, 1, 1)), dtype)


def place_strengths(
    network: Network, placement: Placement, penalties: Sequence[Penalty], networks: int | None, batch_l2: Any
) -> Strengths:
    """The strengths as a point has them; a strength that is 0 in every network is left out of the computation.

    batch_l2: see `Strengths`; on all weights alike, whatever the factors of a Penalty: it is no term of that.
    """
    shapes = network.layout.shapes
    factors = [
        _row_factor(number, layer.in_features, penalty)
        for number, (layer, penalty) in enumerate(zip(network.dense_layers, penalties, strict=True))
    ]

    def column(value: Any) -> Any:
        return np.asarray(value, dtype=np.float64).reshape(-1, 1, 1)

    def spread(of: Callable[[Penalty], tuple[Any, Any]], factors: Sequence[Any] = factors) -> Array | None:
        """(weight strength, bias strength) of every layer, laid out like a point."""
        values = []
        for penalty, factor in zip(penalties, factors, strict=True):
            weight, bias = of(penalty)
            values += [column(weight) * factor, column(bias)]
        if not any(one.any() for one in values):
            return None
        flat = [
            np.broadcast_to(one, (one.shape[0], *shape)).reshape(-1, 1, math.prod(shape))
            for one, shape in zip(values, shapes, strict=True)
        ]
        count = max(len(one) for one in flat)
        point = np.concatenate([np.broadcast_to(one, (count, *one.shape[1:])) for one in flat], axis=-1)
        return placement.put(point[0] if networks is None else point)

    def l1_of(step: str) -> Callable[[Penalty], tuple[Any, Any]]:
        return lambda penalty: (penalty.weight_l1, penalty.bias_l1) if penalty.l1_step == step else (0.0, 0.0)

    groups: list[Array | None] = []
    for layer, penalty, factor in zip(network.dense_layers, penalties, factors, strict=True):
        strength = column(penalty.group_l1) * math.sqrt(layer.out_features) * factor
        placed = placement.put(strength[0] if networks is None else strength) if strength.any() else None
        groups += [placed, None]
    return Strengths(
        l1=spread(l1_of("proximal")),
        l1_subgradient=spread(l1_of("subgradient")),
        l2=spread(lambda penalty: (penalty.weight_l2, penalty.bias_l2)),
        batch_l2=spread(lambda _: (batch_l2, 0.0), [1.0] * len(factors)),
        group=tuple(groups) if any(group is not None for group in groups) else (),
    )


def _row_factor(number: int, in_features: int, penalty: Penalty) -> Any:
    """The factors of a layer's rows as (1 or K, in, 1), or 1."""
    if penalty.penalty_factor is None:
        return 1.0
    factor = np.asarray(penalty.penalty_factor, dtype=np.float64)
    if factor.shape[-1] != in_features:
        raise ValueError(
            f"penalty_factor of Dense layer {number} has {factor.shape[-1]} entries, but the layer takes "
            f"{in_features} inputs: give one per input."
        )
    return factor.reshape(-1, in_features, 1)
