"""What a path found at each strength."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, final, overload

import numpy as np
from numpy.typing import NDArray

from regnet.display.html import html_table
from regnet.display.plots import norms_figure
from regnet.estimators.grouping import Grouping
from regnet.selection.between import Between
from regnet.selection.frames import make_frame, norm_columns
from regnet.selection.grid import check_asked, fewest_inputs, find_strength
from regnet.selection.input_names import kind_of_choices, names_of_choices, norms_label

__all__ = ["PathPoint", "PathResult"]

SHOWN, NAMED = 20, 8
"""Strengths, and inputs of each, that a notebook is shown."""


class PathPoint(NamedTuple):
    """A strength of a path, and the estimator that was fitted there."""

    strength: float
    estimator: Any


@final
@dataclass(frozen=True)
class PathResult:
    """What a path found at each strength; of the restart with the smallest objective (data loss + penalty) there.

    A relaxed path has the restarts that the penalised one chose. Norms are of the network as it was trained, on
    standardised inputs if `standardize` was True. It is a sequence of `(strength, estimator)`: `len(result)` of them,
    `result[k]`, `for strength, estimator in result`.

    Parameters
    ----------
    lambdas : array of float
        The strengths, ascending, (n,).
    losses : array of float
        The mean data loss on the training rows, of standardised targets, (n,).
    scores : array of float
        On the validation rows, (n,): the estimator's usual score, accuracy or R2; NaN without any.
    zeros : array of float
        The share of weights that are exactly 0, (n,).
    norms : array of float
        The Frobenius norm of each layer's weights, (n, layers).
    input_norms : array of float
        The norms of the rows of the first layer's weights, (n, features).
    feature_names : tuple of str
        Of the inputs.
    estimators : tuple of MLPClassifier, MLPRegressor or Pipeline
        Fitted, one per strength, in a Pipeline behind the preprocessor, if there is one; their weights are in the units
        of the table that they see.
    diverged : array of bool
        Whether training was stopped at that strength, whose estimator is none then, (n,).
    between : Between, optional
        What `at` trains other strengths with; it holds the rows, which is why it does not go with a pickle.
    grouping : Grouping, optional
        Which inputs belong together: `labels` of the groups, and the `numbers` of each input's. Frames, pictures and
        tables then tell of the groups.
    """

    lambdas: NDArray[np.float64]
    losses: NDArray[np.float64]
    scores: NDArray[np.float64]
    zeros: NDArray[np.float64]
    norms: NDArray[np.float64]
    input_norms: NDArray[np.float32]
    feature_names: tuple[str, ...]
    estimators: tuple[Any, ...] = field(repr=False)
    diverged: NDArray[np.bool_] = field(repr=False)
    between: Between | None = field(default=None, repr=False)
    grouping: Grouping | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        """The range of strengths, and how many inputs, or groups of them, are used at either end of it."""
        counts = self.n_selected if self.grouping is None else self.n_selected_groups
        ends = f"{counts[0]} to {counts[-1]} of {len(self._names)} {kind_of_choices(self.grouping)} used"
        return f"PathResult({len(self.lambdas)} strengths from {self.lambdas[0]:.3g} to {self.lambdas[-1]:.3g}; {ends})"

    @property
    def selected(self) -> NDArray[np.bool_]:
        """Whether an input has a weight that is not 0, (n, features)."""
        return self.input_norms > 0

    @property
    def n_selected(self) -> NDArray[np.int64]:
        """How many inputs are used, (n,)."""
        return np.asarray(self.selected.sum(axis=1))

    @property
    def selected_groups(self) -> NDArray[np.bool_]:
        """Whether a group of inputs is used, (n, groups). Raises AttributeError where the estimator had no groups."""
        if self.grouping is None:
            raise AttributeError("selected_groups: the estimator had no input_groups.")
        return self.grouping.any_of(self.selected)

    @property
    def n_selected_groups(self) -> NDArray[np.int64]:
        """How many groups of inputs are used, (n,). Raises AttributeError where the estimator had no groups."""
        return np.asarray(self.selected_groups.sum(axis=1))

    def at(self, strength: float | None = None, *, n_inputs: int | None = None, n_groups: int | None = None) -> Any:
        """Give the fitted estimator of a strength, or of the weakest strength that leaves so few inputs or groups.

        A strength of the path is looked up. One between two of them is trained on the path's rows: from the next weaker
        one's network, with as many steps as the path takes there (`warm_start=False`: from the first weights), so that
        it is the network that this strength would have as the path's next one; with solver='newton' it is the minimum.

        Parameters
        ----------
        strength : float, optional
            From the weakest to the strongest of `lambdas`.
        n_inputs : int, optional
            Of the strengths in `lambdas`, take the smallest whose network uses at most that many inputs (columns that a
            preprocessor made count each): among those the one that fits best. Strengths between them are not looked at,
            so there may be fewer inputs than asked.
        n_groups : int, optional
            The same of groups of inputs: of a frame's own columns, behind 'table'.

        Returns
        -------
        MLPClassifier, MLPRegressor or Pipeline
            Fitted, as those of `estimators`.

        Raises
        ------
        TypeError
            Unless exactly one of the three is given.
        ValueError
            Outside of the path, where no strength has so few inputs, and where the network diverged; and for n_groups
            where there are no groups.
        """
        check_asked(strength, n_inputs, n_groups)
        if strength is None:
            return self.estimators[self.number_with(n_inputs, n_groups=n_groups)]
        number = find_strength(self.lambdas, strength)
        if number is not None:
            return self.estimators[self._sound(number)]
        if self.between is None:
            raise ValueError(
                f"strength={float(strength):g} lies between two strengths of the path, and what trains it was left "
                "behind when the result was pickled or copied, with the rows: take one of lambdas, or fit again."
            )
        return self.between.train(float(strength))

    def number_with(self, n_inputs: int | None = None, *, n_groups: int | None = None) -> int:
        """Find the weakest strength at which at most so many inputs, or groups of them, are used.

        Parameters
        ----------
        n_inputs : int, optional
            How many, 0 or more.
        n_groups : int, optional
            How many groups, in its place.

        Returns
        -------
        int
            The number of that strength in `lambdas`.

        Raises
        ------
        ValueError
            If there is none, and for n_groups where there are no groups.
        """
        if n_groups is None:
            return fewest_inputs(self.lambdas, self.n_selected, ~self.diverged, n_inputs or 0)
        if self.grouping is None:
            raise ValueError(f"n_groups={n_groups}: the path selects no groups, but inputs: give n_inputs.")
        return fewest_inputs(self.lambdas, self.n_selected_groups, ~self.diverged, n_groups, kind="groups")

    def _sound(self, number: int) -> int:
        if self.diverged[number]:
            raise ValueError(
                f"At strength {self.lambdas[number]:.6g} the network diverged: lower learning_rate_init, or "
                "standardise the inputs."
            )
        return number

    def __len__(self) -> int:
        """How many strengths there are."""
        return len(self.estimators)

    @overload
    def __getitem__(self, number: int, /) -> PathPoint: ...

    @overload
    def __getitem__(self, number: slice, /) -> tuple[PathPoint, ...]: ...

    def __getitem__(self, number: int | slice, /) -> PathPoint | tuple[PathPoint, ...]:
        """Strength and estimator, from the weakest strength on; several for a slice."""
        points = tuple(PathPoint(*pair) for pair in zip(self.lambdas.tolist(), self.estimators, strict=True))
        return points[number]

    def to_frame(self) -> Any:
        """Make a table with a row for each strength: losses, scores, how many inputs are used, norms of their weights.

        Returns
        -------
        pandas.DataFrame or polars.DataFrame
            With the columns strength, loss, score, n_selected, zeros, and norm_NAME for each input; where there are
            groups, n_selected_groups, and norm_LABEL for each group.

        Raises
        ------
        ImportError
            If neither library is installed.
        """
        columns = {"strength": self.lambdas, "loss": self.losses, "score": self.scores, "n_selected": self.n_selected}
        columns |= {} if self.grouping is None else {"n_selected_groups": self.n_selected_groups}
        return make_frame({**columns, "zeros": self.zeros, **norm_columns(self._names, self._norms)})

    def plot(self, chosen: int = 0) -> Any:
        """Draw the norms of the inputs' weights, or of the groups', against the strength.

        Parameters
        ----------
        chosen : int, default 0
            The number of a strength, whose inputs are coloured and named.

        Returns
        -------
        matplotlib.figure.Figure
            It is not shown.
        """
        return norms_figure(
            self.lambdas, self._norms, self._names, chosen, title="regularisation path",
            ylabel=norms_label(self.grouping),
        )  # fmt: skip

    def _repr_html_(self) -> str:
        """A table of up to 20 of the strengths, for notebooks."""
        numbers = np.unique(np.linspace(0, len(self) - 1, min(SHOWN, len(self))).round().astype(int))
        scored = bool(np.isfinite(self.scores).any())
        header = ["strength", "loss", *(["score"] if scored else []), "zeros", kind_of_choices(self.grouping), "which"]
        rows, selected = [], self.selected if self.grouping is None else self.selected_groups
        for number in numbers:
            used = [name for name, one in zip(self._names, selected[number], strict=True) if one]
            which = ", ".join(used[:NAMED]) + (f" and {len(used) - NAMED} more" if len(used) > NAMED else "")
            score = [f"{self.scores[number]:.3f}"] if scored else []
            cells = [f"{self.lambdas[number]:.4g}", f"{self.losses[number]:.4g}", *score, f"{self.zeros[number]:.0%}"]
            rows.append([*cells, str(len(used)), which])
        return html_table(f"A path of {len(self)} strengths", header, rows)

    @property
    def _names(self) -> tuple[str, ...]:
        """Of what is selected from: inputs, or groups of them."""
        return names_of_choices(self.feature_names, self.grouping)

    @property
    def _norms(self) -> NDArray[np.floating[Any]]:
        """The norms of their weights, (n, inputs) or (n, groups)."""
        return self.input_norms if self.grouping is None else self.grouping.norms(self.input_norms)

    def __getstate__(self) -> dict[str, Any]:
        """Without the rows."""
        return {**vars(self), "between": None}
