"""`study`: several penalties, many seeds, compared seed by seed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from regnet.backend.registry import get_backend
from regnet.display.progress import progress_bar
from regnet.studies.journal import StudyJournal
from regnet.studies.plan import Plan, make_plan
from regnet.studies.result import StudyResult
from regnet.studies.training import Outcome, seconds_for, train_seeds

__all__ = ["study"]


def study(
    estimator: Any,
    rows: Callable[[int], Any],
    penalties: Mapping[str, Mapping[str, Any]],
    *,
    n_seeds: int = 20,
    subset: int = 300,
    ceiling: float | None = None,
    study_dir: str | os.PathLike[str] | None = None,
    begin: Callable[[int, float], None] | None = None,
    trained: Callable[[int, int], None] | None = None,
    progress: bool = True,
) -> StudyResult:
    """Train with several penalties over many seeds, and measure what each changes on rows that are held out.

    All networks of a seed have the same rows, first weights and batches, and are trained side by side, so that
    differences between penalties are free of what seeds differ by. On rows taken as a whole they are the networks that
    the estimator's `fit` with `random_state=seed` trains.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Not fitted; its strengths are replaced, `alpha` is 0, and it is trained for exactly `max_iter` epochs.
    rows : callable
        Of a seed, 0 or more: what to train on and what to hold out, `(X_train, y_train, X_test, y_test)`, always the
        same for one seed; with `(..., X_fresh, y_fresh)` further rows of the same law are measured too (None: there
        are none), and with `(..., weight_train, weight_test)` behind these the rows count by their weights.
    penalties : dict of str to dict
        The strengths that each sets, by the estimator's names of them; the others are compared to the first one.
    n_seeds : int, default 20
        Seeds 0 to n_seeds - 1.
    subset : int, default 300
        So many of the held-out rows, drawn by the seed, are also measured alone.
    ceiling : float, optional
        The best that any network could reach, where that is known; it is kept with the result.
    study_dir : str or path, optional
        Folder of a journal: a study that was stopped goes on from it, and so does one with more seeds.
    begin : callable, optional
        Called once before the training, as `begin(networks, seconds)`: how many are still to be trained, and about how
        long that takes.
    trained : callable, optional
        Called after every seed that was trained, as `trained(number, total)` of those that were to be.
    progress : bool, default True
        Whether to show a bar with the time left, in a terminal or a notebook.

    Returns
    -------
    StudyResult
        The figures of every network, intervals, and an answer in words.

    Raises
    ------
    ValueError, TypeError
        For an argument that cannot be, and for a folder that holds another study.

    Examples
    --------
    >>> from regnet import MLPClassifier, datasets, study
    >>> def rows(seed):
    ...     X, y = datasets.spiral(samples=100, seed=seed)
    ...     return X[:150], y[:150], X[150:], y[150:]
    >>> network = MLPClassifier(hidden_layer_sizes=(16,), learning_rate_init=0.02, batch_size=150, max_iter=20)
    >>> found = study(network, rows, {"none": {}, "L2": {"weight_l2": 1e-3}}, n_seeds=3, subset=50, progress=False)
    >>> found.gaps().shape
    (2, 3)
    """
    plan = make_plan(estimator, rows, penalties, n_seeds, subset)
    journal = None if study_dir is None else StudyJournal(study_dir, plan)
    outcomes = {} if journal is None else {seed: journal.get(seed) for seed in plan.seeds}
    left = tuple(seed for seed in plan.seeds if outcomes.get(seed) is None)
    on_device = get_backend().free_bytes() is not None
    blocks = plan.blocks(left, on_device=on_device)
    if begin is not None and blocks:
        begin(len(left) * len(plan.penalties), seconds_for(plan, blocks))
    with progress_bar(len(left) * plan.epochs, "epochs of all seeds", enabled=progress) as bar:
        done = 0
        for block in blocks:

            def tell(epoch: int, done: int = done, block: tuple[int, ...] = block) -> None:
                bar.update(done + epoch * len(block), f"seeds {block[0]} to {block[-1]}")

            for seed, outcome in train_seeds(plan, block, tell):
                outcomes[seed] = outcome
                if journal is not None:
                    journal.put(seed, outcome)
                if trained is not None:
                    trained(left.index(seed) + 1, len(left))
            done += len(block) * plan.epochs
    return _result(plan, [one for seed in plan.seeds if (one := outcomes[seed]) is not None], ceiling)


def _result(plan: Plan, outcomes: list[Outcome], ceiling: float | None) -> StudyResult:
    arrays = {
        name: np.stack([getattr(one, name) for one in outcomes], axis=1)
        for name in ("train", "held_out", "subset", "fresh", "norms", "diverged")
    }
    counts = outcomes[0].counts
    return StudyResult(
        penalties=tuple(plan.penalties), seeds=plan.seeds, metric=outcomes[0].metric, epochs=plan.measured,
        counts=(counts[0], counts[1], counts[2], counts[3]), ceiling=ceiling, exits=plan.exits(), **arrays,
    )  # fmt: skip
