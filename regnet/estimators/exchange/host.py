"""A fitted estimator, or a search, away from the device and the library that it was trained on."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from regnet.arrays.tree import tree_map
from regnet.backend.placement import is_host_data, to_host

__all__ = ["HostCopy"]


def _on_host(value: Any) -> Any:
    """A copy of a value; an array of another library becomes NumPy's."""
    return deepcopy(value) if is_host_data(value) else np.array(to_host(value))


class HostCopy:
    """What has arrays among its attributes, alone or in lists and tuples."""

    def to_host(self) -> Self:
        """Copy to the host: every array of PyTorch, JAX or CuPy becomes one of NumPy.

        The copy can be pickled, and used where there is no GPU and no such library: it takes NumPy arrays and gives
        them back, and `partial_fit` goes on from where the original stopped. Of what is on the host already it is a
        plain copy. Like a pickle it leaves behind what a search keeps to train other strengths with, and its executor.

        Returns
        -------
        estimator
            Of the same class, fitted.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        twin = copy(self)
        vars(twin).update(tree_map(_on_host, vars(twin)))
        return twin
