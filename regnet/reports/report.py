"""A result as one page of HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, final

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.networks.whole_files import write_whole
from regnet.reports.page import Page, check_libraries, render
from regnet.reports.search_page import search_page
from regnet.reports.study_page import study_page
from regnet.reports.training_page import held_out_of, training_page
from regnet.selection import MLPClassifierCV, MLPRegressorCV
from regnet.studies import StudyResult

__all__ = ["Report", "report"]


@final
@dataclass(frozen=True, repr=False)
class Report:
    """A page of HTML that needs no network and no other file; notebooks show it.

    Parameters
    ----------
    page : Page
        What it consists of.
    """

    page: Page

    @property
    def html(self) -> str:
        """The whole page."""
        return render(self.page)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the page, whole or not at all.

        Parameters
        ----------
        path : str or path
            The file's name, which should end in .html.
        """
        write_whole(Path(path), self.html.encode())

    def __repr__(self) -> str:
        """The title and the answer."""
        return f"Report({self.page.title}: {self.page.answer})"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that it keeps its style and a notebook keeps the notebook's."""
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" style="width:100%;height:42rem;border:0" '
            f'title="{html.escape(self.page.title)}"></iframe>'
        )


def report(
    result: Any,
    path: str | PathLike[str] | None = None,
    *,
    X: Any = None,
    y: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    title: str | None = None,
    notes: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
) -> Report:
    """Make a page of a result: the choice in a sentence, curves that answer the pointer, tables, what it rests on.

    Parameters
    ----------
    result : MLPClassifierCV, MLPRegressorCV, MLPClassifier, MLPRegressor or StudyResult
        Fitted. A search with `keep_predictions=True` also shows what was predicted for held-out rows, given `y`.
    path : str or path, optional
        Where the page is written.
    X : array-like, optional
        Of a network: rows that it was not trained on.
    y : array-like, optional
        Of a network: their targets; of a search: the targets that it was fitted to.
    class_names : sequence of str, optional
        What a reader calls the classes, in the order of `classes_`.
    title : str, optional
        Of the page.
    notes : sequence of str, default ()
        Sentences above the figures, that a reader must not miss.
    facts : mapping of str to str, optional
        Lines of the last table, such as where the data are from; 'target' names what is predicted.

    Returns
    -------
    Report
        The page; `html` is its text.

    Raises
    ------
    ImportError
        If altair or vl-convert-python is not installed.
    TypeError
        For what is none of these.
    ValueError
        For a path that does not end in .html, and targets that are not those of the search.
    NotFittedError
        For what is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from regnet import MLPRegressorCV, report
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> search = MLPRegressorCV((), n_lambdas=5, cv=3, keep_predictions=True, random_state=0).fit(X, y)
    >>> report(search, y=y).page.parts[-1].title
    'Predicted and actual'
    """
    if path is not None and Path(path).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"path={str(path)!r}: a report is a page of HTML: give it a name that ends in .html.")
    check_libraries()
    told = dict(facts or {})
    if isinstance(result, StudyResult):
        page = study_page(result, title=title or "Did the penalty help?", notes=notes, facts=told)
    elif isinstance(result, MLPClassifierCV | MLPRegressorCV):
        check_is_fitted(result, "lambdas_")
        title = title or "How strong should the penalty be?"
        page = search_page(result, y, title=title, notes=notes, facts=told, class_names=class_names)
    elif isinstance(result, MLPClassifier | MLPRegressor):
        check_is_fitted(result, "model_")
        held_out = None
        if X is not None and y is not None:
            held_out = held_out_of(result, X, y, told.get("target", "target"), class_names)
        page = training_page(result, held_out, title=title or "A network and its penalties", notes=notes, facts=told)
    else:
        raise TypeError(
            f"report takes a search, an MLPClassifier, an MLPRegressor or a study, not {type(result).__name__}."
        )
    made = Report(page)
    if path is not None:
        made.save(path)
    return made
