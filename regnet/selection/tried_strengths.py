"""What a fitted search tells of the strengths that it tried, and of any other one."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from regnet.display.plots import norms_figure, selection_figure
from regnet.estimators.grouping import Grouping
from regnet.selection.between import Between
from regnet.selection.choice import Choice, choose
from regnet.selection.frames import make_frame, norm_columns
from regnet.selection.grid import check_asked, find_strength
from regnet.selection.input_names import kind_of_choices, names_of_choices, norms_label
from regnet.selection.path import train_path
from regnet.selection.path_result import PathResult
from regnet.selection.settings import Estimator

__all__ = ["ScoreAt", "TriedStrengths"]


class ScoreAt(NamedTuple):
    """A strength's held-out scores over the folds: their mean and standard error."""

    mean: float
    se: float


class TriedStrengths(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """Estimators, scores and pictures of strengths. `_between`: what trains on all rows, None without the rows."""

    _template_class: ClassVar[type[Estimator]]
    _classifier: ClassVar[bool]
    _between: Between | None
    _cold_path: PathResult | None
    _grouping: Grouping | None
    n_selected_groups_: NDArray[np.int64]
    input_norms_: NDArray[np.floating[Any]]
    input_names_: NDArray[np.object_]

    def at(self, strength: float | None = None, *, n_inputs: int | None = None, n_groups: int | None = None) -> Any:
        """Give the fitted estimator of a strength, or of the weakest strength that leaves so few inputs or groups.

        A strength of the path on all rows is looked up (`path_`). One between two of them is trained on all rows: from
        the next weaker one's network, with as many steps as the path takes there, so that it is the network that this
        strength would have as the path's next one; with solver='newton' it is the minimum. After `warm_start=False`
        there is no path: a strength is trained from the first weights, as for the refit, and n_inputs or n_groups has
        all of `lambdas_` trained on all rows, once.

        For that a search keeps the standardised table; it is left behind when the search is pickled or copied.

        Parameters
        ----------
        strength : float, optional
            From the weakest to the strongest of `lambdas_`.
        n_inputs : int, optional
            Of the strengths in `lambdas_`, take the smallest whose network on all rows uses at most that many inputs
            (columns that a preprocessor made count each): among those the one that fits best. Strengths between them
            are not looked at, so there may be fewer inputs than asked.
        n_groups : int, optional
            The same of groups of inputs: of a frame's own columns, behind 'table'.

        Returns
        -------
        MLPClassifier, MLPRegressor or Pipeline
            Fitted on all rows; behind the preprocessor, if there is one, as `best_estimator_`.

        Raises
        ------
        NotFittedError
            Before `fit`, and after one with refit=False, which trains no network on all rows.
        TypeError
            Unless exactly one of the three is given.
        ValueError
            Outside of the path, where no strength has so few inputs, and where the network diverged; and for n_groups
            where there are no groups.
        """
        best = self._fitted()
        check_asked(strength, n_inputs, n_groups)
        number = None if strength is None else find_strength(self.lambdas_, strength, name="lambdas_")
        if strength is None or hasattr(self, "path_"):
            return self._path().at(strength, n_inputs=n_inputs, n_groups=n_groups)
        if number == self.best_index_:
            return best
        return self._trainer().train(float(strength))

    def score_at(
        self, strength: float | None = None, *, n_inputs: int | None = None, n_groups: int | None = None
    ) -> ScoreAt:
        """Give the held-out score of one of the strengths in `lambdas_`: mean and standard error over the folds.

        Parameters
        ----------
        strength : float, optional
            One of `lambdas_`.
        n_inputs, n_groups : int, optional
            Take the strength that `at(n_inputs=...)` takes; the folds' own networks may use other inputs there.

        Returns
        -------
        ScoreAt
            `(mean, se)`; NaN where a fold's network diverged.

        Raises
        ------
        NotFittedError
            Before `fit`, and for n_inputs after one with refit=False.
        TypeError
            Unless exactly one of the three is given.
        ValueError
            Between two strengths, where no fold has a network; and as `at`.
        """
        check_is_fitted(self, "lambdas_")
        check_asked(strength, n_inputs, n_groups)
        if strength is None:
            self._fitted()
            number = self._path().number_with(n_inputs, n_groups=n_groups)
        else:
            number = self._tried(strength)
        return ScoreAt(float(self.score_mean_[number]), float(self.score_se_[number]))

    def to_frame(self) -> Any:
        """Make a table with a row for each strength: scores, how many inputs are used, norms of the inputs' weights.

        Returns
        -------
        pandas.DataFrame or polars.DataFrame
            With the columns strength, score_mean, score_se, n_selected, zeros, and norm_NAME for each of
            `input_names_`; where there are groups, n_selected_groups, and norm_LABEL for each of `groups_`.

        Raises
        ------
        ImportError
            If neither library is installed.
        """
        check_is_fitted(self, "lambdas_")
        columns = {"strength": self.lambdas_, "score_mean": self.score_mean_, "score_se": self.score_se_}
        columns["n_selected"] = self.n_selected_
        names, norms = self.input_names_.tolist(), self.input_norms_
        if self._grouping is not None:
            columns["n_selected_groups"] = self.n_selected_groups_
            norms = self._grouping.norms(norms)
        columns["zeros"] = self.zeros_
        return make_frame(columns | norm_columns(names_of_choices(names, self._grouping), norms))

    def plot_path(self) -> Any:
        """Draw the score with error bars against the strength, inputs or groups on top, what the rules choose marked.

        Returns
        -------
        matplotlib.figure.Figure
            It is not shown.
        """
        check_is_fitted(self, "lambdas_")
        pilot = getattr(self, "pilot_scores_", None)
        name = self.scoring_ if isinstance(self.scoring_, str) else "score"
        counts = self.n_selected_ if self._grouping is None else self.n_selected_groups_
        return selection_figure(
            self.lambdas_, self.score_mean_, self.score_se_, counts, self.min_index_, self.one_se_index_,
            counted=kind_of_choices(self._grouping),
            paired=self.paired_index_ if self.select == "paired" else None, score_name=name, penalty=self.penalty,
            reference=None if pilot is None else self._choose(pilot).mean,
        )  # fmt: skip

    def plot_norms(self, names: Sequence[str] | None = None) -> Any:
        """Draw the norm of each input's weights against the strength, the chosen inputs coloured; of groups theirs.

        Parameters
        ----------
        names : sequence of str, optional
            Of the inputs (of the transformed ones, behind a preprocessor), to see them alone; default: `input_names_`,
            or where there are groups `groups_`.

        Returns
        -------
        matplotlib.figure.Figure
            It is not shown.
        """
        check_is_fitted(self, "lambdas_")
        grouping, norms = self._grouping, self.input_norms_
        if names is not None and len(names) == len(self.input_names_):
            grouping = None
        else:
            names = self.input_names_.tolist()
        return norms_figure(
            self.lambdas_, norms if grouping is None else grouping.norms(norms), names_of_choices(names, grouping),
            self.best_index_, title="regularisation path",
            ylabel=norms_label(grouping),
        )  # fmt: skip

    def _tried(self, strength: float) -> int:
        """The number of a strength that the folds have networks of."""
        number = find_strength(self.lambdas_, strength, name="lambdas_")
        if number is None:
            above = int(np.searchsorted(self.lambdas_, strength))
            raise ValueError(
                f"strength={strength:g} lies between {self.lambdas_[above - 1]:.6g} and {self.lambdas_[above]:.6g}, "
                "and no fold's network was trained there: take one of them, or fit with lambdas that have it."
            )
        return number

    def _path(self) -> PathResult:
        """The path on all rows; after cold starts it is trained when it is first asked for."""
        if hasattr(self, "path_"):
            path: PathResult = self.path_
            return path
        if self._cold_path is None:
            self._cold_path = train_path(self._trainer(), tuple(self.input_names_))
        return self._cold_path

    def _trainer(self) -> Between:
        if self._between is None:
            raise ValueError(
                "What trains other strengths was left behind when the search was pickled or copied, with the rows of "
                "its table: fit again."
            )
        return self._between

    def _choose(self, scores: Any) -> Choice:
        """What scores (strengths, folds) speak for, by the splits that they are of."""
        return choose(scores, weight=self.fold_weights_, repeats=self.n_repeats_)

    def _fitted(self) -> Any:
        """The refitted network. Raises NotFittedError, also after a fit without one."""
        check_is_fitted(self, "lambdas_")
        if not hasattr(self, "best_estimator_"):
            raise NotFittedError(
                "fit was called with refit=False, so there is no network to predict with: set refit=True."
            )
        return self.best_estimator_
