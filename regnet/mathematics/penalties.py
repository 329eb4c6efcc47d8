"""L1, L2, their mixture the elastic net, and the group lasso: value, gradient and proximal step of one array.

    penalty(w) = l1 * sum |w| + l2 * sum w^2 + group * sum over groups of ||rows||_F     (no 1/2 in front of l2)

Strengths are >= 0, numbers or arrays broadcastable to w, so a stack (..., in, out) may have one per network as
(..., 1, 1), and one per row as (..., in, 1). Sums run over the last two axes. A group is a row of a weight, or the rows
that `RowGroups` names: in the first layer everything that leaves one input, or several inputs that belong together; in
a later layer everything that leaves one hidden neuron. A group's rows have the same strength.
The proximal step of size s is `argmin_u ||u - w||^2 / 2 + s * penalty(u)`.
Sources: Parikh & Boyd, Proximal Algorithms, Foundations and Trends in Optimization, 2014, section 6.5; Yuan & Lin,
Model selection and estimation in regression with grouped variables, JRSS B 68 (2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, final

import numpy as np
from array_api_compat import device as device_of
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.reductions import norm_outputs, sum_outputs
from regnet.arrays.types import Array
from regnet.backend.given import numbers_of
from regnet.backend.placement import to_host
from regnet.mathematics.row_groups import RowGroups, pool_norms, pool_sums, unequal_within

__all__ = [
    "Penalty",
    "Strength",
    "group_norms",
    "group_prox",
    "group_value",
    "l1_grad",
    "l1_value",
    "l2_grad",
    "l2_value",
    "mean_of_groups",
    "row_norms",
    "soft_threshold",
    "sparse_group_residual",
]


Strength: TypeAlias = float | Sequence[float]
"""A number >= 0, or a sequence with one number per stacked network."""


@final
@dataclass(frozen=True, kw_only=True)
class Penalty:
    """The strengths of the penalties on one Dense layer.

    They join the loss as

        weight_l1 * sum |W| + weight_l2 * sum W^2 + group_l1 * sum_g sqrt(|g| * out_features) * ||W_g||_F
        + bias_l1 * sum |b| + bias_l2 * sum b^2,        W_g: the rows of group g, of which there are |g|

    beside a data loss that is a mean over rows, so strengths mean the same for any number of rows and any batch size.
    A strength is a finite number of 0 or more, or several in a list or an array, one per stacked network.

    Parameters
    ----------
    weight_l1, weight_l2 : float or array-like, default 0
        On the weights' absolute values and squares.
    bias_l1, bias_l2 : float or array-like, default 0
        On the biases' absolute values and squares.
    group_l1 : float or array-like, default 0
        Group lasso on the weight's rows, which acts by its proximal step: an input of the layer is used or it is not.
    groups : array-like, optional
        One label per input of the layer, (in_features,), or (K, in_features) for a stack; rows with the same label are
        one group. None: every row is one.
    penalty_factor : array-like, optional
        One number >= 0 per input of the layer, (in_features,), or (K, in_features) for a stack; it multiplies
        weight_l1, weight_l2 and group_l1 of that input's row (0: not penalised); inputs of one group have the same.
        Factors are not rescaled.
    l1_step : {'proximal', 'subgradient'}, default 'proximal'
        How L1 acts: by its proximal step, which leaves exact zeros, or by its subgradient, as in textbooks: none.

    Raises
    ------
    TypeError
        For what is no number.
    ValueError
        For a strength or a factor that is negative or not finite, and for factors that differ within a group, naming
        it.

    Examples
    --------
    >>> Penalty(weight_l1=1e-3, bias_l2=1e-4).strengths()
    {'weight_l1': 0.001, 'weight_l2': 0.0, 'bias_l1': 0.0, 'bias_l2': 0.0001, 'group_l1': 0.0}
    """

    weight_l1: Strength = 0.0
    weight_l2: Strength = 0.0
    bias_l1: Strength = 0.0
    bias_l2: Strength = 0.0
    group_l1: Strength = 0.0
    groups: Any = None
    penalty_factor: Any = None
    l1_step: Literal["proximal", "subgradient"] = "proximal"

    def __post_init__(self) -> None:
        """Negative strengths have no minimum."""
        for name, value in self.strengths().items():
            values = _numbers(name, value)
            bad = values[~((values >= 0) & (values < np.inf))]
            if values.ndim > 1 or not values.size or bad.size:
                told = f"={bad.reshape(-1)[0]}" if bad.size else f" of shape {values.shape}"
                raise ValueError(
                    f"Penalty({name}{told}): a strength must be a finite number of 0 or more, or a list of them, one "
                    "per network."
                )
            object.__setattr__(self, name, value if isinstance(value, float | int) else _plain(values))
        if self.penalty_factor is not None:
            factor = _numbers("penalty_factor", self.penalty_factor)
            object.__setattr__(self, "penalty_factor", _plain(factor))
            if factor.ndim not in (1, 2) or not (np.isfinite(factor) & (factor >= 0)).all():
                raise ValueError("Penalty(penalty_factor): give one finite number of 0 or more per input of the layer.")
        self._check_groups()
        if self.l1_step not in ("proximal", "subgradient"):
            raise ValueError(f"Penalty(l1_step={self.l1_step!r}): choose 'proximal' or 'subgradient'.")

    def _check_groups(self) -> None:
        """Raise ValueError for groups of another shape, or whose inputs have several factors."""
        if self.groups is None:
            return
        shape = np.shape(self.groups)
        if len(shape) not in (1, 2):
            raise ValueError("Penalty(groups): give one label per input of the layer.")
        if self.penalty_factor is None or np.shape(self.penalty_factor)[-1] != shape[-1]:
            return
        label = unequal_within(self.groups, self.penalty_factor)
        if label is not None:
            raise ValueError(
                f"Penalty(penalty_factor) differs within group {label!r}: give all inputs of a group the same factor."
            )

    def strengths(self) -> dict[str, Any]:
        """List the five strengths by name.

        Returns
        -------
        dict of str to float or tuple of float
            A number, or one for each network.
        """
        names = [field.name for field in fields(self) if field.name not in ("l1_step", "penalty_factor", "groups")]
        return {name: getattr(self, name) for name in names}


def _numbers(name: str, value: Any) -> NDArray[np.float64]:
    """What was given as numbers on the host. Raises TypeError or ValueError, naming the parameter."""
    if value is None or isinstance(value, str | bytes):
        raise TypeError(f"Penalty({name}={value!r}): give a number, or a list of them.")
    return np.asarray(to_host(numbers_of(name, value)), dtype=np.float64)


def _plain(values: NDArray[np.float64]) -> Any:
    """A number, or tuples of them, which can be compared and hashed."""
    return tuple(map(_plain, values)) if values.ndim > 1 else tuple(values.tolist()) if values.ndim else values.item()


def _is_one(strength: Array) -> bool:
    """Whether there is one strength for all entries, so that it may be weighed in after they are added up."""
    return getattr(strength, "ndim", 0) < 2 or strength.shape[-2:] == (1, 1)


def _total(strength: Array, values: Array) -> Array:
    """`sum strength * values` over the last two axes, (..., 1, 1)."""
    xp = array_namespace(values)
    if _is_one(strength):
        return strength * xp.sum(values, axis=(-2, -1), keepdims=True)
    return xp.sum(strength * values, axis=(-2, -1), keepdims=True)


def _inner(a: Array, b: Array) -> Array:
    """`sum a * b` over the last two axes, (..., 1, 1), without the products in between."""
    xp = array_namespace(a)
    if a.shape[-2] > 1:
        flat = (*a.shape[:-2], 1, -1)
        a, b = xp.reshape(a, flat), xp.reshape(b, flat)
    return xp.vecdot(a, b)[..., None]


def l1_value(w: Array, strength: Array, /) -> Array:
    """`sum strength * |w|`; w: (..., in, out). Returns (..., 1, 1)."""
    return _total(strength, array_namespace(w).abs(w))


def l1_grad(w: Array, strength: Array, /) -> Array:
    """`strength * sign(w)`, the subgradient of least norm: 0 where w is 0. Returns the shape of w."""
    return strength * array_namespace(w).sign(w)


def soft_threshold(w: Array, threshold: Array, /) -> Array:
    """Shrink `w` towards zero by `threshold`: argmin_u ||u - w||^2 / 2 + threshold * ||u||_1, elementwise.

    w: (..., in, out); threshold: >= 0, broadcastable to w. Returns the shape of w.
    Source: Parikh & Boyd 2014, section 6.5.2.
    """
    xp = array_namespace(w)
    zero = xp.zeros((), dtype=w.dtype, device=device_of(w))
    return xp.sign(w) * xp.maximum(xp.abs(w) - threshold, zero)


def l2_value(w: Array, strength: Array, /) -> Array:
    """`sum strength * w^2`; w: (..., in, out). Returns (..., 1, 1)."""
    return strength * _inner(w, w) if _is_one(strength) else _inner(strength * w, w)


def l2_grad(w: Array, strength: Array, /) -> Array:
    """`2 * strength * w`. Returns the shape of w."""
    return 2.0 * strength * w


def row_norms(w: Array, /) -> Array:
    """Euclidean norm of every row, 0 only for a row of zeros; w: (..., in, out). Returns (..., in, 1)."""
    return norm_outputs(w)


def group_norms(w: Array, groups: RowGroups | None = None, /) -> Array:
    """For every row the norm of its group, 0 only for zeros; w: (..., in, out). Returns (..., in, 1)."""
    return pool_norms(row_norms(w), groups)


def mean_of_groups(values: Array, groups: RowGroups | None = None, /) -> Array:
    """For every row the mean over its group's entries; values: (..., in, out). Returns (..., in, 1)."""
    means = sum_outputs(values) / values.shape[-1]
    return means if groups is None else pool_sums(means, groups) * groups.share


def group_value(w: Array, strength: Array, groups: RowGroups | None = None, /) -> Array:
    """`sum over groups of strength * ||rows||_F`; w: (..., in, out). Returns (..., 1, 1)."""
    return _total(strength if groups is None else strength * groups.share, group_norms(w, groups))


def group_prox(w: Array, threshold: Array, groups: RowGroups | None = None, /) -> Array:
    """Shrink every group of `w` towards zero by `threshold` in norm: rows * max(||rows|| - threshold, 0) / ||rows||.

    w: (..., in, out); threshold: >= 0, (..., 1 or in, 1): the metric must be one per group. Returns the shape of w.
    Source: Parikh & Boyd 2014, section 6.5.1.
    """
    xp = array_namespace(w)
    norms = group_norms(w, groups)
    left = xp.maximum(norms - threshold, xp.zeros_like(norms))
    return w * (left / xp.where(norms > 0, norms, xp.ones_like(norms)))


def sparse_group_residual(
    w: Array, grad: Array, l1: Array | None, group: Array | None, groups: RowGroups | None = None, /
) -> Array:
    """The element of least norm of `grad` + the subdifferential of the l1 and group terms at w: 0 where w is optimal.

    w, grad: (..., in, out); grad holds the smooth part, L2 included. Returns the shape of w.
    A weight that is 0 takes up to l1 of its gradient, a group that is 0 takes up to `group` of what l1 left in norm.
    """
    xp = array_namespace(w)
    rest = grad if l1 is None else xp.where(w == 0, soft_threshold(grad, l1), grad + l1_grad(w, l1))
    if group is None:
        return rest
    norms = group_norms(w, groups)
    direction = w / xp.where(norms > 0, norms, xp.ones_like(norms))
    return xp.where(norms > 0, rest + group * direction, group_prox(rest, group, groups))
