"""What the parameters of a search ask for: which go together, what is scored, whether there is a second path."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Any

from regnet.selection.fitted_search import FittedSearch
from regnet.selection.folds import Checked
from regnet.selection.relaxing import check_gammas
from regnet.selection.scoring import DIRECT, default_scoring, scorer_of
from regnet.selection.settings import Estimator
from regnet.sweep.spec import SweepSpec

__all__ = ["AskedSearch"]


class AskedSearch(FittedSearch, ABC):
    """Answers that follow from the parameters, before anything is trained."""

    def _own_parameters(self) -> dict[str, Any]:
        """The parameters that networks of classes, or of values, have alone."""
        return {name: getattr(self, name) for name in ("class_weight", "loss") if name in self.get_params(deep=False)}

    def _check_combinations(self) -> None:
        """Raise ValueError for settings that mean nothing together."""
        if self.executor is not None and self.n_jobs is not None:
            raise ValueError("executor and n_jobs are two ways to say where networks are trained: give one of them.")
        for name in ("relax", "adaptive"):
            if getattr(self, name) is True and self.penalty != "input_l1":
                raise ValueError(f"{name}=True is for selections of inputs: it needs penalty='input_l1'.")
        if check_gammas(self.gamma) != (0.0,) and not self.relax:
            raise ValueError(f"gamma={self.gamma!r} is of relaxed selections: it needs relax=True.")

    def _is_adaptive(self, spec: SweepSpec) -> bool:
        if spec.mix.penalty != "input_l1":
            return False
        return len(spec.network.dense_layers) > 1 if self.adaptive == "auto" else bool(self.adaptive)

    def _scoring(self, template: Estimator, checked: Checked, routed: Mapping[str, Any] | None) -> Any:
        """A name that is scored directly, or a scorer."""
        scoring = default_scoring(template._targets.loss) if self.scoring is None else self.scoring
        self.scoring_ = scoring
        direct = {"neg_log_loss", "accuracy"} if self._classifier else set(DIRECT) - {"neg_log_loss", "accuracy"}
        if isinstance(scoring, str) and scoring in direct:
            return scoring
        if routed is not None and checked.exposed and "sample_weight" in routed:
            routed = {**routed, "sample_weight": checked.weight}
        return scorer_of(template, scoring, rows=len(checked.y), weight=checked.weight, routed=routed)
