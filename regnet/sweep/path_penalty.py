"""What a strength on the path means: which terms it sets, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from regnet.backend.placement import Placement
from regnet.mathematics.penalties import Penalty
from regnet.networks.network import Network
from regnet.networks.strengths import Strengths, place_strengths

__all__ = ["PENALTIES", "Mix"]

PENALTIES = ("input_l1", "neuron_l1", "weight_l1", "weight_l2", "alpha")


@final
@dataclass(frozen=True)
class Mix:
    """The penalty of strength lambda, beside the mean data loss:

        input_l1, neuron_l1:  r lambda sum_g sqrt(|W_g|) ||W_g|| + (1 - r)/2 lambda sum W^2 over layers with groups,
                              + c lambda sum W^2 over the others
        weight_l1:            r lambda sum|W| + (1 - r)/2 lambda sum W^2
        weight_l2:            lambda sum W^2
        alpha:                scikit-learn's MLP, lambda / (2 * rows of the batch) * sum W^2

    with |W_g| the number of a group's weights, r = l1_ratio (ElasticNet's) and c = companion_l2. The companion is what
    gives a penalty on one layer its meaning: ReLU is positively homogeneous, so without it weights move from the
    penalised layer into the others.
    """

    penalty: str = "input_l1"
    l1_ratio: float = 1.0
    companion_l2: float = 1.0

    @property
    def sparse(self) -> bool:
        """Whether the penalty leaves exact zeros."""
        return self.penalty in ("input_l1", "neuron_l1", "weight_l1") and self.l1_ratio > 0.0

    def terms(self, layer: int) -> dict[str, float]:
        """The strengths of a layer's terms, by their names in `Penalty`, for lambda = 1."""
        l1, l2 = self.l1_ratio, (1.0 - self.l1_ratio) / 2.0
        if self.penalty in ("weight_l2", "alpha"):
            return {"weight_l2": 1.0} if self.penalty == "weight_l2" else {}
        if self.penalty == "weight_l1":
            return {"weight_l1": l1, "weight_l2": l2}
        if (layer == 0) == (self.penalty == "input_l1"):
            return {"group_l1": l1, "weight_l2": l2}
        return {"weight_l2": self.companion_l2}

    def penalties(
        self, layers: int, lambdas: Sequence[float], factors: Any = None, groups: Any = None
    ) -> list[Penalty]:  # fmt: skip
        """One Penalty per layer for a stack with these strengths.

        factors: per network and input, (K, in), or None; those of inputs that are left out do not matter. groups: the
        inputs' labels, (in,) or (K, in), or None.
        """
        if factors is not None:
            factors = np.where(np.isfinite(factors), factors, 1.0)
        return [
            Penalty(
                **{name: (term * np.asarray(lambdas)).tolist() for name, term in self.terms(layer).items() if term},
                groups=groups if layer == 0 else None,
                penalty_factor=factors if layer == 0 else None,
            )
            for layer in range(layers)
        ]

    def place(
        self,
        network: Network,
        placement: Placement,
        lambdas: Sequence[float],
        totals: Any,
        factors: Any = None,
        groups: Any = None,
    ) -> Strengths:
        """The strengths of a stack of networks, one for each lambda, on the device.

        totals: of the weights of each network's rows, or of all networks', which alpha is divided by; factors, groups:
        as for `penalties`.
        """
        batch_l2 = np.asarray(lambdas) / (2.0 * np.asarray(totals)) if self.penalty == "alpha" else 0.0
        penalties = self.penalties(len(network.dense_layers), lambdas, factors, groups)
        return place_strengths(network, placement, penalties, len(lambdas), batch_l2)

    def parameters(self, layers: int, strength: float) -> dict[str, Any]:
        """The constructor parameters that give an estimator this penalty."""
        if self.penalty == "alpha":
            return {"alpha": strength}
        terms = [{name: strength * term for name, term in self.terms(layer).items()} for layer in range(layers)]
        columns = {name: [term.get(name, 0.0) for term in terms] for name in ("weight_l1", "weight_l2", "group_l1")}
        group = columns.pop("group_l1")
        given: dict[str, Any] = {name: values for name, values in columns.items() if any(values)}
        if group[0]:
            given["input_l1"] = group[0]
        if any(group[1:]):
            given["neuron_l1"] = group[1:]
        return given
