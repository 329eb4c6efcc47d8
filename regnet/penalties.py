"""L1, L2 and their mixture, the elastic net: value, gradient and proximal step of one parameter array.

    penalty(w) = l1 * sum |w| + l2 * sum w^2        (no 1/2 in front of l2)

Strengths are >= 0, numbers or arrays broadcastable to w, so a stack (..., in, out) may have one per network as
(..., 1, 1). Weights and biases are separate arrays with separate strengths. Sums run over the last two axes.
The proximal step of size s is `argmin_u ||u - w||^2 / 2 + s * penalty(u)`.
Source: Parikh & Boyd, Proximal Algorithms, Foundations and Trends in Optimization, 2014, section 6.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple, TypeAlias, final

from array_api_compat import array_namespace
from array_api_compat import device as device_of

from regnet.types import Array

__all__ = [
    "Penalty",
    "Strength",
    "Strengths",
    "add_penalty_grad",
    "elastic_net_grad",
    "elastic_net_prox",
    "elastic_net_value",
    "l1_grad",
    "l1_value",
    "l2_grad",
    "l2_prox",
    "l2_value",
    "penalty_terms",
    "soft_threshold",
]


Strength: TypeAlias = float | Sequence[float]
"""A number >= 0, or a sequence with one number per stacked network."""


@final
@dataclass(frozen=True, kw_only=True)
class Penalty:
    """The strengths on one Dense layer; the penalty joins the loss as

        weight_l1 * sum |W| + weight_l2 * sum W^2 + bias_l1 * sum |b| + bias_l2 * sum b^2

    beside a data loss that is a mean over rows, so strengths mean the same for any number of rows and any batch size.
    l1_step: 'proximal' (exact zeros) or 'subgradient' (as in textbooks: none).
    """

    weight_l1: Strength = 0.0
    weight_l2: Strength = 0.0
    bias_l1: Strength = 0.0
    bias_l2: Strength = 0.0
    l1_step: Literal["proximal", "subgradient"] = "proximal"

    def __post_init__(self) -> None:
        """Negative strengths have no minimum."""
        for name, value in self.strengths().items():
            values = list(value) if isinstance(value, Sequence) else [value]
            if not values or not all(0.0 <= float(number) < float("inf") for number in values):
                raise ValueError(f"Penalty({name}={value!r}): a strength must be a finite number of 0 or more.")
        if self.l1_step not in ("proximal", "subgradient"):
            raise ValueError(f"Penalty(l1_step={self.l1_step!r}): choose 'proximal' or 'subgradient'.")

    def strengths(self) -> dict[str, Any]:
        """The four strengths by name."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "l1_step"}


class Strengths(NamedTuple):
    """The strengths on one parameter array; None: that term is absent and costs nothing.

    l1 acts by the proximal step and leaves exact zeros; l1_subgradient is the same penalty acting by its
    subgradient, as in textbooks, which leaves none; l2 acts by its gradient. Each (..., 1, 1).
    """

    l1: Array | None = None
    l1_subgradient: Array | None = None
    l2: Array | None = None


def l1_value(w: Array, strength: Array, /) -> Array:
    """`strength * sum |w|`; w: (..., in, out). Returns (..., 1, 1)."""
    xp = array_namespace(w)
    return strength * xp.sum(xp.abs(w), axis=(-2, -1), keepdims=True)


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
    """`strength * sum w^2`; w: (..., in, out). Returns (..., 1, 1)."""
    return strength * array_namespace(w).sum(w * w, axis=(-2, -1), keepdims=True)


def l2_grad(w: Array, strength: Array, /) -> Array:
    """`2 * strength * w`. Returns the shape of w."""
    return 2.0 * strength * w


def l2_prox(w: Array, step_size: Array, strength: Array, /) -> Array:
    """`w / (1 + 2 * step_size * strength)`. Returns the shape of w. Source: Parikh & Boyd 2014, section 6.1.1."""
    return w / (1.0 + 2.0 * step_size * strength)


def elastic_net_value(w: Array, l1: Array, l2: Array, /) -> Array:
    """`l1 * sum |w| + l2 * sum w^2`; w: (..., in, out). Returns (..., 1, 1)."""
    return l1_value(w, l1) + l2_value(w, l2)


def elastic_net_grad(w: Array, l1: Array, l2: Array, /) -> Array:
    """`l1 * sign(w) + 2 * l2 * w`, with sign(0) = 0. Returns the shape of w."""
    return l1_grad(w, l1) + l2_grad(w, l2)


def elastic_net_prox(w: Array, step_size: Array, l1: Array, l2: Array, /) -> Array:
    """`soft_threshold(w, step_size * l1) / (1 + 2 * step_size * l2)`: the L1 step, then the L2 step.

    With l1 = 0 or l2 = 0 it is the other's own. Returns the shape of w. Source: Parikh & Boyd 2014, section 6.5.3.
    """
    return l2_prox(soft_threshold(w, step_size * l1), step_size, l2)


def penalty_terms(w: Array, strengths: Strengths, /) -> dict[str, Array]:
    """The value of each term that is present, by kind: 'l1' (either way of acting) and 'l2', each (..., 1, 1)."""
    terms = {}
    l1 = strengths.l1 if strengths.l1_subgradient is None else strengths.l1_subgradient
    if l1 is not None:
        terms["l1"] = l1_value(w, l1)
    if strengths.l2 is not None:
        terms["l2"] = l2_value(w, strengths.l2)
    return terms


def add_penalty_grad(grad: Array, w: Array, strengths: Strengths, /) -> Array:
    """`grad` plus the gradients of the terms that act by them: l2 and l1_subgradient. Returns the shape of w."""
    if strengths.l2 is not None:
        grad = grad + l2_grad(w, strengths.l2)
    if strengths.l1_subgradient is not None:
        grad = grad + l1_grad(w, strengths.l1_subgradient)
    return grad
