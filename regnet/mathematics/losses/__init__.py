"""Data losses on a network's outputs, fused with the output function so that nothing overflows.

Every loss maps outputs (..., n, out) and targets of that shape to one loss a row, (..., n, 1), summed over outputs,
and to its gradient with respect to the outputs. Rows are weighted and added by the network. `predict` applies the
output function (softmax, sigmoid, exp or none); `metric` names the score that goes with the loss. What a loss is stands
in `loss`, the losses beside it.
"""

from __future__ import annotations

from dataclasses import replace

from regnet.mathematics.by_name import by_name
from regnet.mathematics.losses.crossentropies import BinaryCrossEntropy, CategoricalCrossEntropy
from regnet.mathematics.losses.deviances import Gamma, Poisson, Tweedie
from regnet.mathematics.losses.loss import HasConstant, Loss, knows_constant
from regnet.mathematics.losses.residuals import AbsoluteError, Huber, Quantile, Quantiles, SquaredError, as_columns

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "Gamma",
    "HasConstant",
    "Huber",
    "Loss",
    "Poisson",
    "Quantile",
    "Quantiles",
    "SquaredError",
    "Tweedie",
    "as_columns",
    "get_loss",
    "has_logarithms",
    "in_units",
    "knows_constant",
]

LOSSES: dict[str, Loss] = {
    "categorical_crossentropy": CategoricalCrossEntropy(),
    "binary_crossentropy": BinaryCrossEntropy(),
    "squared_error": SquaredError(),
    "absolute_error": AbsoluteError(),
    "huber": Huber(),
    "quantile": Quantile(),
    "poisson": Poisson(),
    "gamma": Gamma(),
    "tweedie": Tweedie(),
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


def has_logarithms(loss: Loss, /) -> bool:
    """Whether outputs are logarithms of the predictions: of targets that have no negative values."""
    return loss.kind in ("nonnegative", "positive")


def in_units(loss: str | Loss, unit: float, /) -> Loss:
    """The loss of outputs and targets that were divided by `unit`: a threshold in units of the target goes with them.

    Huber: value(z / u, y / u; delta / u) = value(z, y; delta) / u^2, so that what minimises one minimises the other.
    A class derived from it is another loss, and stays as it is.
    """
    loss = get_loss(loss)
    return replace(loss, delta=loss.delta / unit) if type(loss) is Huber else loss
