"""The report of a search: which strength was chosen, what it rests on, and which inputs are left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regnet.reports.charts import norms_chart, score_chart
from regnet.reports.facts import settings_of, versions
from regnet.reports.held_out import held_out_figure
from regnet.reports.page import Figure, Page, Table
from regnet.selection.input_names import kind_of_choices, names_of_choices

__all__ = ["search_page"]

RULES = {
    "1se": "the strongest within one standard error of the best",
    "paired": "the strongest whose difference to the best, fold by fold, is within its standard error",
    "min": "the best",
}

LISTED = 200
"""Inputs in the table: those that stay longest."""


def search_page(
    search: Any,
    y: ArrayLike | None,
    *,
    title: str,
    notes: Sequence[str],
    facts: Mapping[str, str],
    class_names: Sequence[str] | None = None,
    further: str = "",
) -> Page:
    """What a fitted MLPClassifierCV or MLPRegressorCV found; y: the targets that it was fitted to, or None.

    further: a sentence that goes with the answer.
    """
    kind = kind_of_choices(search._grouping)
    counts = search.n_selected_ if search._grouping is None else search.n_selected_groups_
    norms, names = _choices(search)
    parts: list[Figure | Table] = [_scores(search, counts, kind), _norms(search, norms, names, kind)]
    if _drops(search):
        parts.append(_leaving(search, norms, names, kind))
    if y is not None and hasattr(search, "cv_predictions_"):
        _check_targets(search, np.asarray(y))
        predicted = search.cv_predictions_[search.best_index_]
        if not hasattr(search, "classes_") and predicted.shape[-1] == 1:
            predicted = predicted[:, 0]
        told = "Each row as predicted by the network of the fold that held it out, at the chosen strength"
        classes, target = getattr(search, "classes_", None), facts.get("target", "target")
        found = held_out_figure(np.asarray(y), predicted, classes, target, told, class_names)
        parts.extend([] if found is None else [found])
    rule = f"{search.select}: {RULES[search.select]}"
    rests = {**facts, "rule": rule, "settings": settings_of(search), **versions(search)}
    answer = " ".join([_answer(search, counts, kind), further]).strip()
    return Page(title, answer, [*notes, *_notes(search)], parts, rests)


def _check_targets(search: Any, y: NDArray[Any]) -> None:
    """Raise ValueError unless they can be the targets that the search was fitted to."""
    rows = search.cv_predictions_.shape[1]
    if len(y) != rows:
        raise ValueError(f"y has {len(y)} rows, but the search was fitted to {rows}: give the y that fit was given.")
    classes = getattr(search, "classes_", None)
    strange = [] if classes is None or y.ndim > 1 else sorted(set(y.tolist()) - set(classes.tolist()), key=repr)
    if classes is not None and strange:
        known = ", ".join(map(repr, classes.tolist()[:5]))
        raise ValueError(f"y holds {strange[0]!r}, which the search does not know ({known}): give the y of fit.")


def _answer(search: Any, counts: NDArray[np.int64], kind: str) -> str:
    """One sentence: the strength, what it costs, what it leaves."""
    best, own, score = search.min_index_, search.best_index_, _score_name(search)
    scored = f"{search.score_mean_[own]:.4f} ± {search.score_se_[own]:.4f}"
    text = f"Take a strength of {search.lambda_:.3g}, {RULES[search.select]}: held-out {score} {scored}"
    if own != best:
        text += f", where the best strength, {search.lambda_min_:.3g}, has {search.score_mean_[best]:.4f}"
    if not _drops(search):
        return f"{text}."
    text += f"; it uses {counts[own]} of {len(_choices(search)[1])} {kind}"
    return f"{text}, and the best one {counts[best]}." if own != best else f"{text}."


def _notes(search: Any) -> list[str]:
    """What a reader must not miss."""
    notes = []
    if search.near_tie_:
        notes.append(
            f"Near a tie: {search.rival_:.3g} is {search.margin_:.1g} standard errors from being chosen, and another "
            "machine's rounding may choose it. Either will do: their scores hardly differ."
        )
    if search.n_diverged_:
        notes.append(f"{search.n_diverged_} networks diverged, and have no score.")
    if len(search.lambdas_) > 1 and search.min_index_ in (0, len(search.lambdas_) - 1):
        end = "weakest" if search.min_index_ == 0 else "strongest"
        notes.append(f"The best strength is the {end} that was tried: beyond it there may be a better one.")
    return notes


def _scores(search: Any, counts: NDArray[np.int64], kind: str) -> Figure:
    rows = [
        {"strength": float(strength), "mean": float(mean), "se": float(se), "used": int(used)}
        for strength, mean, se, used in zip(search.lambdas_, search.score_mean_, search.score_se_, counts, strict=True)
    ]
    marks = {"best": search.min_index_, "1 SE": search.one_se_index_}
    if search.select == "paired":
        marks["paired"] = search.paired_index_
    folds = f"{search.n_splits_} folds"
    first = ""
    if hasattr(search, "pilot_scores_"):
        first = " A first path weighed the inputs, so that some are penalised more than others at every strength."
    return Figure(
        "How strong?",
        f"Held-out {_score_name(search)}, mean over {folds} with one standard error, by strength; higher is better. To "
        f"the right the penalty is stronger and the network simpler.{first}",
        score_chart(rows, marks, score=_score_name(search), counted=kind, penalty=search.penalty),
    )


def _norms(search: Any, norms: NDArray[Any], names: Sequence[str], kind: str) -> Figure:
    what = kind[:-1]
    return Figure(
        f"Which {kind} does a strength keep?",
        f"The norm of each {what}'s weights, on standardised inputs: at 0 the {what} is not used. The dashed line is "
        "the chosen strength.",
        norms_chart(search.lambdas_, norms, names, search.best_index_, what),
    )


def _leaving(search: Any, norms: NDArray[Any], names: Sequence[str], kind: str) -> Table:
    """Each input's last strength, those first that stay longest; the chosen ones are marked."""
    used, lambdas = np.isfinite(norms) & (norms > 0), search.lambdas_
    last = np.where(used.any(axis=0), used.shape[0] - 1 - used[::-1].argmax(axis=0), -1)
    order = np.lexsort((-np.nan_to_num(norms[search.best_index_]), -last))[:LISTED]
    rows, marked = [], set()
    for place, number in enumerate(order):
        chosen = bool(used[search.best_index_, number])
        end = (
            "no strength"
            if last[number] < 0
            else ("every strength" if last[number] == len(lambdas) - 1 else f"{lambdas[last[number]]:.3g}")
        )
        rows.append([str(names[number]), "yes" if chosen else "no", end])
        marked |= {place} if chosen else set()
    more = f" The first {LISTED} of {len(names)}." if len(names) > LISTED else ""
    return Table(
        f"{kind.capitalize()} by name",
        f"The strength up to which a network on all rows uses it. The chosen network's are marked.{more}",
        [kind[:-1], "used", "used up to"], rows, frozenset(marked),
    )  # fmt: skip


def _choices(search: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Norms (strengths, choices) and names of what is selected from: inputs, or groups of them."""
    norms, names = np.asarray(search.input_norms_, dtype=np.float64), search.input_names_.tolist()
    grouping = search._grouping
    return (norms if grouping is None else grouping.norms(norms)), names_of_choices(names, grouping)


def _drops(search: Any) -> bool:
    """Whether its penalty leaves inputs out."""
    return search.penalty in ("input_l1", "weight_l1")


def _score_name(search: Any) -> str:
    return search.scoring_ if isinstance(search.scoring_, str) else "score"
