"""What a data loss is."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, TypeGuard

import numpy as np
from array_api_compat import device as device_of
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array

__all__ = ["HasConstant", "Loss", "knows_constant", "zero_like"]


class Loss(Protocol):
    """A data loss; `metric` names the score that goes with it, `kind` the targets that it takes.

    Kinds are 'multiclass', 'binary', 'regression' (any number), 'nonnegative' and 'positive'. Outputs of the last two
    are logarithms of the predictions.
    """

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


class HasConstant(Protocol):
    """A loss that knows the best prediction that is the same for all rows, which others are compared with."""

    def constant(self, targets: Any, share: Any, /) -> NDArray[np.float64]:
        """Find the outputs that minimise the mean loss of these rows among those that are the same for all.

        Parameters
        ----------
        targets : array
            On the host, (n, out).
        share : array
            Of the rows, (n,), 0 or more, with a sum of 1.

        Returns
        -------
        numpy.ndarray
            As a network has them, before `predict`: one number for each of its outputs.
        """


def knows_constant(loss: Any, /) -> TypeGuard[HasConstant]:
    """Whether a loss has a `constant` of its own formula: a class that replaces the formula it inherits has none."""
    owners = [
        next((depth for depth, owner in enumerate(type(loss).__mro__) if name in vars(owner)), None)
        for name in ("constant", "value_and_grad")
    ]
    return owners[0] is not None and (owners[1] is None or owners[0] <= owners[1])


def zero_like(like: Array, /) -> Array:
    """0 of the same type, on the same device, without axes."""
    return array_namespace(like).zeros((), dtype=like.dtype, device=device_of(like))
