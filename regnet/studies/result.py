"""What a study found: figures of every network, and what they say of each penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from regnet.display.html import html_table
from regnet.display.study_figure import GapPanel, study_figure
from regnet.mathematics.intervals import Interval, Share, mean_interval, share_interval
from regnet.studies.answer import answer
from regnet.training.evasion import Exits

__all__ = ["Finding", "StudyResult"]


class Finding(NamedTuple):
    """What the seeds say of one penalty: means over them, with 95 % intervals.

    train, held_out, fresh: the metric on these rows (fresh None where there are none); gap, gap_subset: training minus
    held-out metric, with all held-out rows and with few of them; above, above_subset: seeds whose held-out metric is
    above that of training; norms: squares of the weights' norms by layer, means.
    """

    train: Interval
    held_out: Interval
    gap: Interval
    gap_subset: Interval
    above: Share
    above_subset: Share
    fresh: Interval | None
    norms: tuple[float, ...]


@final
@dataclass(frozen=True)
class StudyResult:
    """Trainings with several penalties, over seeds: the metric on rows to train on, held out, and fresh.

    Networks of one seed have the same rows and the same first weights, so that penalties are compared seed by seed.
    A network's figure is the median over the measured epochs, the last tenth of its training.

    Parameters
    ----------
    penalties : tuple of str
        Their names; the others are compared to the first one.
    seeds : tuple of int
        Each draws rows and first weights.
    metric : str
        What is measured, 'accuracy' or 'r2'.
    epochs : tuple of int
        After which networks were measured, (M,).
    counts : tuple of int
        Rows to train on, held out, held out and measured alone too, fresh.
    train, held_out, subset : array of float
        The metric of every network, (penalties, seeds, M); subset: on few of the held-out rows.
    fresh : array of float
        The same on fresh rows, (penalties, seeds, M), or (penalties, seeds, 0) where there are none.
    norms : array of float
        Squares of the weights' Frobenius norms at the end, (penalties, seeds, layers).
    diverged : array of bool
        Networks whose training diverged, (penalties, seeds): they have their last good parameters.
    ceiling : float, optional
        The best that any network could reach on average, where that is known.
    exits : tuple, optional
        Of each penalty, `penalised` layers and `free` ones that their scale can move to, or None where it cannot.
    """

    penalties: tuple[str, ...]
    seeds: tuple[int, ...]
    metric: str
    epochs: tuple[int, ...]
    counts: tuple[int, int, int, int]
    train: NDArray[np.float64]
    held_out: NDArray[np.float64]
    subset: NDArray[np.float64]
    fresh: NDArray[np.float64]
    norms: NDArray[np.float64]
    diverged: NDArray[np.bool_]
    ceiling: float | None = None
    exits: tuple[Exits | None, ...] = ()

    def gaps(self, *, subset: bool = False) -> NDArray[np.float64]:
        """Training minus held-out metric of every network, the median over the measured epochs.

        Parameters
        ----------
        subset : bool, default False
            Whether on the few held-out rows that are measured alone too.

        Returns
        -------
        numpy.ndarray
            (penalties, seeds).
        """
        return np.asarray(np.median(self.train - (self.subset if subset else self.held_out), axis=-1))

    def finding(self, penalty: str) -> Finding:
        """What the seeds say of one penalty.

        Parameters
        ----------
        penalty : str
            Its name.

        Returns
        -------
        Finding
            Means over the seeds, with intervals.
        """
        k = self._number(penalty)
        own = {name: values[k] for name, values in self._of_networks().items()}
        return Finding(
            **{name: mean_interval(own[name]) for name in ("train", "held_out", "gap", "gap_subset")},
            above=share_interval(own["gap"] < 0),
            above_subset=share_interval(own["gap_subset"] < 0),
            fresh=mean_interval(own["fresh"]) if "fresh" in own else None,
            norms=tuple(self.norms[k].mean(axis=0).tolist()),
        )

    def change(self, penalty: str) -> dict[str, Interval]:
        """What the penalty changes, compared to the first one, seed by seed.

        Parameters
        ----------
        penalty : str
            Its name.

        Returns
        -------
        dict of str to Interval
            Mean differences with 95 % intervals: 'train', 'held_out', 'gap', 'gap_subset', and 'fresh' if there are
            fresh rows.
        """
        k = self._number(penalty)
        return {name: mean_interval(values[k] - values[0]) for name, values in self._of_networks().items()}

    def evasion(self, penalty: str) -> tuple[Interval, Interval] | None:
        """Whether a penalty is evaded, compared to the first one, which must be none at all for this to mean it.

        It is where the weights that it acts on get smaller while those that it leaves free get larger.

        Parameters
        ----------
        penalty : str
            Its name.

        Returns
        -------
        tuple of Interval or None
            How many times as large the squared norms of penalised and of free layers are, the mean of the logarithm;
            None where both intervals do not lie on their sides of 0, or where there is no way out.
        """
        k = self._number(penalty)
        exits = self.exits[k] if self.exits else None
        if exits is None:
            return None
        shrunk, grown = (
            mean_interval(np.log(self.norms[k][:, list(own)].sum(axis=1) / self.norms[0][:, list(own)].sum(axis=1)))
            for own in exits
        )
        return (shrunk, grown) if shrunk.high < 0.0 < grown.low else None

    @property
    def answer(self) -> str:
        """One sentence: whether held-out rows should score below those trained on, by these figures."""
        penalised = self.penalties[1]
        return answer(penalised, self.finding(penalised), self.metric, self.counts)

    def plot(self) -> Any:
        """Draw the gaps of all networks, with their means and intervals.

        Returns
        -------
        matplotlib.figure.Figure
            It is not shown.
        """
        _, large, small, _ = self.counts
        panels = [
            GapPanel(f"{count:,} rows held out", self.gaps(subset=subset), [
                getattr(self.finding(name), "gap_subset" if subset else "gap") for name in self.penalties
            ], [getattr(self.finding(name), "above_subset" if subset else "above") for name in self.penalties])
            for count, subset in ((large, False), (small, True))
        ]  # fmt: skip
        return study_figure(panels if small < large else panels[:1], self.penalties, self.metric, self.answer)

    def to_dict(self) -> dict[str, Any]:
        """Make plain dictionaries and lists of all figures, ready for json.

        Returns
        -------
        dict
            Findings by penalty, what each changes, and the figures of every network.
        """
        arrays = ("train", "held_out", "subset", "fresh", "norms", "diverged")
        return {
            "answer": self.answer,
            "metric": self.metric,
            "penalties": list(self.penalties),
            "seeds": list(self.seeds),
            "measured_epochs": list(self.epochs),
            "rows": dict(zip(("train", "held_out", "subset", "fresh"), self.counts, strict=True)),
            "ceiling": self.ceiling,
            "findings": {name: _plain(self.finding(name)) for name in self.penalties},
            "evasions": {name: _plain(self.evasion(name)) for name in self.penalties[1:]},
            "changes": {name: _plain(self.change(name)) for name in self.penalties[1:]},
            "networks": {name: getattr(self, name).tolist() for name in arrays},
        }

    def __repr__(self) -> str:
        """How many networks there are, and the gap of each penalty."""
        gaps = ", ".join(f"{name} {self.finding(name).gap.mean:.4f}" for name in self.penalties)
        return f"StudyResult({len(self.seeds)} seeds; {self.metric}, training minus held out: {gaps})"

    def _repr_html_(self) -> str:
        """A table of the findings, for notebooks."""
        _, large, small, fresh = self.counts
        header = ["", "training", f"minus {large} held out", f"minus {small} held out", "held out above", "fresh"]
        rows = []
        for name in self.penalties:
            own = self.finding(name)
            gaps = [f"{one.mean:.4f} ± {one.se:.4f}" for one in (own.gap, own.gap_subset)]
            above = f"{own.above.hits} and {own.above_subset.hits} of {own.above.total} seeds"
            last = "" if own.fresh is None else f"{own.fresh.mean:.4f} ({fresh} rows)"
            rows.append([name, f"{own.train.mean:.4f}", *gaps, above, last])
        return html_table(f"{self.metric}: {self.answer}", header, rows)

    def _of_networks(self) -> dict[str, NDArray[np.float64]]:
        """What findings and changes are means of: a figure of every network, (penalties, seeds); fresh if there is."""
        measured = {"train": self.train, "held_out": self.held_out, "fresh": self.fresh}
        medians = {name: np.median(values, axis=-1) for name, values in measured.items() if values.shape[-1]}
        return medians | {"gap": self.gaps(), "gap_subset": self.gaps(subset=True)}

    def _number(self, penalty: str) -> int:
        if penalty not in self.penalties:
            raise ValueError(f"There is no penalty {penalty!r}: choose one of {', '.join(self.penalties)}.")
        return self.penalties.index(penalty)


def _plain(value: Any) -> Any:
    """Named tuples as dictionaries, whatever they hold; what is not finite as None."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
