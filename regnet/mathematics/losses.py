"""Data losses on a network's outputs, fused with the output function so that nothing overflows.

Every loss maps outputs (..., n, out) and targets of that shape to one loss a row, (..., n, 1), summed over outputs,
and to its gradient with respect to the outputs. Rows are weighted and added by the network. `predict` applies the
output function (softmax, sigmoid, exp or none); `metric` names the score that goes with the loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, final

from array_api_compat import device as device_of

from regnet.arrays.namespace import array_namespace
from regnet.arrays.reductions import max_outputs, sum_outputs
from regnet.arrays.types import Array
from regnet.mathematics.by_name import by_name

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "Huber",
    "Loss",
    "Poisson",
    "SquaredError",
    "get_loss",
    "in_units",
]


class Loss(Protocol):
    """A data loss; `metric` names the score that goes with it, `kind` the targets that it takes."""

    metric: ClassVar[str]
    kind: ClassVar[str]

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute the loss of each row and its gradient with respect to the outputs.

        Parameters
        ----------
        outputs : array
            The network's outputs, (..., n, out), before softmax, sigmoid or exp.
        targets : array
            What they should say, (..., n, out); classes as one-hot rows.

        Returns
        -------
        loss : array
            Summed over outputs, (..., n, 1).
        grad : array
            Its gradient with respect to the outputs, (..., n, out).
        """

    def predict(self, outputs: Array, /) -> Array:
        """Make the prediction that the outputs stand for.

        Parameters
        ----------
        outputs : array
            The network's outputs, (..., n, out).

        Returns
        -------
        array
            In the targets' own units, shape of the outputs: probabilities, expected counts or values.
        """


def _zero(like: Array) -> Array:
    return array_namespace(like).zeros((), dtype=like.dtype, device=device_of(like))


def _sigmoid(z: Array, small: Array) -> Array:
    """1 / (1 + exp(-z)) from small = exp(-|z|), which cannot overflow."""
    xp = array_namespace(z)
    return xp.where(z >= _zero(z), xp.ones_like(z), small) / (1.0 + small)


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
        missed = xp.maximum(outputs, _zero(outputs)) - targets * outputs
        return sum_outputs(missed + xp.log1p(small)), _sigmoid(outputs, small) - targets

    def predict(self, outputs: Array, /) -> Array:
        """Sigmoid: the probability of yes, with full relative precision where it is small."""
        xp = array_namespace(outputs)
        return _sigmoid(outputs, xp.exp(-xp.abs(outputs)))


class _OfResiduals:
    """What losses of real targets share: the outputs are the predictions."""

    metric: ClassVar[str] = "r2"
    kind: ClassVar[str] = "regression"

    def predict(self, outputs: Array, /) -> Array:
        """Return the outputs themselves."""
        return outputs


@final
@dataclass(frozen=True)
class SquaredError(_OfResiduals):
    """1/2 * sum_k (z_k - y_k)^2, whose gradient is z - y.

    The 1/2 is scikit-learn's, glmnet's and ElasticNet's.
    """

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient by the class's formulas."""
        residual = outputs - targets
        return 0.5 * sum_outputs(residual * residual), residual


@final
@dataclass(frozen=True)
class AbsoluteError(_OfResiduals):
    """The absolute error sum_k |z_k - y_k|, whose minimiser is the median.

    Its gradient is sign(z - y), 0 where they are equal.
    """

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient by the class's formulas."""
        xp = array_namespace(outputs)
        residual = outputs - targets
        return sum_outputs(xp.abs(residual)), xp.sign(residual)


@final
@dataclass(frozen=True)
class Huber(_OfResiduals):
    """Huber's loss: r^2 / 2 where |r| <= delta, delta * (|r| - delta / 2) beyond; r = z - y, summed over outputs.

    Its gradient is r limited to [-delta, delta].

    Parameters
    ----------
    delta : float, default 1.0
        Where the parabola ends, > 0, in units of the target.

    Raises
    ------
    ValueError
        If delta is not positive.

    References
    ----------
    Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35 (1964).
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        """A threshold of 0 or less is no loss."""
        if not self.delta > 0:
            raise ValueError(f"Huber(delta={self.delta}): delta must be positive.")

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient; with c the limited residual, the loss is c (r - c / 2) in both ranges."""
        xp = array_namespace(outputs)
        residual = outputs - targets
        delta = _zero(outputs) + self.delta
        limited = xp.minimum(xp.maximum(residual, -delta), delta)
        return sum_outputs(limited * (residual - 0.5 * limited)), limited


@final
@dataclass(frozen=True)
class Poisson:
    """Half the Poisson deviance of counts y with mean exp(z): exp(z) - y + y (log y - z), summed over outputs.

    It is 0 or more; its gradient is exp(z) - y. Targets are 0 or more.

    References
    ----------
    McCullagh & Nelder, Generalized Linear Models, 1989, section 2.3.
    """

    metric: ClassVar[str] = "r2"
    kind: ClassVar[str] = "counts"

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient, with 0 log 0 = 0."""
        xp = array_namespace(outputs)
        residual = xp.exp(outputs) - targets
        log_targets = xp.log(xp.where(targets > 0, targets, xp.ones_like(targets)))
        return sum_outputs(residual + targets * (log_targets - outputs)), residual

    def predict(self, outputs: Array, /) -> Array:
        """Return exp(outputs): the expected counts."""
        return array_namespace(outputs).exp(outputs)


LOSSES: dict[str, Loss] = {
    "categorical_crossentropy": CategoricalCrossEntropy(),
    "binary_crossentropy": BinaryCrossEntropy(),
    "squared_error": SquaredError(),
    "absolute_error": AbsoluteError(),
    "huber": Huber(),
    "poisson": Poisson(),
}


def get_loss(loss: str | Loss, /) -> Loss:
    """The loss called by name, or the object itself.

    Parameters
    ----------
    loss : str or Loss
        A key of LOSSES, or an object with `value_and_grad` and `predict`.

    Returns
    -------
    Loss
        An object is returned as it is.

    Raises
    ------
    ValueError
        For a name that is unknown, naming those that are known.
    """
    return by_name("loss", loss, LOSSES)


def in_units(loss: str | Loss, unit: float, /) -> Loss:
    """The loss of outputs and targets that were divided by `unit`: a threshold in units of the target goes with them.

    Huber: value(z / u, y / u; delta / u) = value(z, y; delta) / u^2, so that what minimises one minimises the other.
    A class derived from it is another loss, and stays as it is.
    """
    loss = get_loss(loss)
    return replace(loss, delta=loss.delta / unit) if type(loss) is Huber else loss
