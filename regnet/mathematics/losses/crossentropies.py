"""Losses of classes: cross-entropies, fused with softmax and sigmoid so that nothing overflows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from regnet.arrays.namespace import array_namespace
from regnet.arrays.reductions import max_outputs, sum_outputs
from regnet.arrays.types import Array
from regnet.mathematics.losses.loss import zero_like

__all__ = ["BinaryCrossEntropy", "CategoricalCrossEntropy"]


def _sigmoid(z: Array, small: Array) -> Array:
    """1 / (1 + exp(-z)) from small = exp(-|z|), which cannot overflow."""
    xp = array_namespace(z)
    return xp.where(z >= zero_like(z), xp.ones_like(z), small) / (1.0 + small)


@final
@dataclass(frozen=True)
class CategoricalCrossEntropy:
    """-sum_k y_k log softmax(z)_k, for targets that are one-hot (or probabilities that sum to 1).

    Its gradient is softmax(z) - y.

    References
    ----------
    Bridle, Probabilistic interpretation of feedforward classification network outputs, Neurocomputing 1990.
    """

    metric: ClassVar[str] = "categorical_accuracy"
    kind: ClassVar[str] = "multiclass"

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """log(sum_k exp(z_k)) = max + log1p(sum of exp(z_k - max) over the others), which cannot overflow.

        The largest output's own 1 stays outside: beside it a sure row's other exponentials are rounded away.
        """
        xp = array_namespace(outputs)
        shifted = outputs - max_outputs(outputs)
        exponentials, sign = xp.exp(shifted), xp.sign(shifted)  # -1, and 0 for the largest
        equals = sum_outputs(sign) + (outputs.shape[-1] - 1)  # further outputs that are as large as the largest
        others = equals - sum_outputs(exponentials * sign)
        return xp.log1p(others) - sum_outputs(targets * shifted), exponentials / (1.0 + others) - targets

    def predict(self, outputs: Array, /) -> Array:
        """Softmax: class probabilities."""
        xp = array_namespace(outputs)
        exponentials = xp.exp(outputs - max_outputs(outputs))
        return exponentials / sum_outputs(exponentials)


@final
@dataclass(frozen=True)
class BinaryCrossEntropy:
    """The logistic loss log(1 + exp(z)) - y z, summed over outputs: one yes-or-no question an output.

    Targets lie in [0, 1]. Its gradient is sigmoid(z) - y.
    """

    metric: ClassVar[str] = "binary_accuracy"
    kind: ClassVar[str] = "binary"

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """log(1 + exp(z)) as max(z, 0) + log1p(exp(-|z|)); max(z, 0) - y z comes first: 0 for a sure row."""
        xp = array_namespace(outputs)
        small = xp.exp(-xp.abs(outputs))
        missed = xp.maximum(outputs, zero_like(outputs)) - targets * outputs
        return sum_outputs(missed + xp.log1p(small)), _sigmoid(outputs, small) - targets

    def predict(self, outputs: Array, /) -> Array:
        """Sigmoid: the probability of yes, with full relative precision where it is small."""
        xp = array_namespace(outputs)
        return _sigmoid(outputs, xp.exp(-xp.abs(outputs)))
