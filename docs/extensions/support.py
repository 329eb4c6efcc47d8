"""The directive `support`: what every solver does with every loss, penalty and library, by asking the code.

Each combination is fitted on a tiny table; where that is refused, the error is the remedy that is shown.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from regnet import (
    BackendError,
    MLPClassifier,
    MLPRegressor,
    Quantile,
    Quantiles,
    backend_names,
    config_context,
    get_backend,
)

__all__ = ["asked", "setup"]

SOLVERS = ("adam", "sgd", "lbfgs", "fista", "newton")
X = np.random.default_rng(0).standard_normal((12, 3))
CLASSES, AMOUNTS = (X[:, 0] > 0).astype(int), np.exp(X[:, 0])
TARGETS: Mapping[str, tuple[Any, Any]] = {
    "cross-entropy of two classes": (None, CLASSES),
    "cross-entropy of several classes": (None, np.arange(12) % 3),
    "cross-entropy of several labels": (None, np.stack([CLASSES, 1 - CLASSES], axis=1)),
    "`'squared_error'`": ("squared_error", AMOUNTS),
    "`'squared_error'` of several outputs": ("squared_error", np.stack([AMOUNTS, X[:, 1]], axis=1)),
    "`'huber'`": ("huber", AMOUNTS),
    "`'poisson'`": ("poisson", AMOUNTS),
    "`'gamma'`": ("gamma", AMOUNTS),
    "`'tweedie'`": ("tweedie", AMOUNTS),
    "`'absolute_error'`": ("absolute_error", AMOUNTS),
    "`Quantile(0.9)`": (Quantile(0.9), AMOUNTS),
    "`Quantiles((0.1, 0.9))`": (Quantiles((0.1, 0.9)), AMOUNTS),
}
"""A loss (None: that of classes) and y."""

PENALTIES: Mapping[str, dict[str, Any]] = {
    "`weight_l2`, `bias_l2`": {"weight_l2": 0.01, "bias_l2": 0.01},
    "`weight_l1`": {"weight_l1": 0.01},
    "`bias_l1`": {"bias_l1": 0.01},
    "`input_l1`": {"input_l1": 0.01},
    "`input_groups`": {"input_l1": 0.01, "input_groups": [0, 0, 1]},
    "`weight_l1` and `input_l1`": {"weight_l1": 0.01, "input_l1": 0.01},
    "`neuron_l1`": {"neuron_l1": 0.01},
}
ANY_TARGET, ANY_PENALTY = TARGETS["`'squared_error'`"], PENALTIES["`weight_l2`, `bias_l2`"]
LIBRARIES = {"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX", "cupy": "CuPy", "array_api_strict": "array-api-strict"}


def asked(solver: str, target: tuple[Any, Any], penalty: dict[str, Any], table: Any = X) -> str:
    """Fit a tiny network; '' if that works, else what the error says.

    target: as in `TARGETS`; table: X in any library. A linear model where the solver is for these, else 4 neurons.
    """
    loss, y = target
    widths = () if solver == "newton" else (4,)
    settings = {"solver": solver, "hidden_layer_sizes": widths, "max_iter": 2, "random_state": 0, **penalty}
    estimator = MLPClassifier(**settings) if loss is None else MLPRegressor(loss=loss, **settings)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # two iterations suffice for no table
            estimator.fit(table, y)
    except (BackendError, ValueError, TypeError, NotImplementedError) as error:
        return " ".join(str(error).split())
    return ""


class Notes(dict[str, int]):
    """Errors, numbered as they come; `mark` is a cell of a table."""

    def mark(self, error: str) -> str:
        """Yes, or the error's number."""
        return f"[{self.setdefault(error, len(self) + 1)}](#support-notes)" if error else "yes"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<").replace("*", "\\*")


def _of_solver(solver: str, notes: Notes) -> Iterator[str]:
    """A table; losses with which all is alike share a row."""
    yield from (f"### {solver}", "", "| loss | " + " | ".join(PENALTIES) + " |", "| --- |" + " --- |" * len(PENALTIES))
    rows = {
        name: " | ".join(notes.mark(asked(solver, target, penalty)) for penalty in PENALTIES.values())
        for name, target in TARGETS.items()
    }
    for cells in dict.fromkeys(rows.values()):
        names = [name for name, own in rows.items() if own == cells]
        yield f"| {'all losses' if len(names) == len(rows) else ', '.join(names)} | {cells} |"
    yield ""


def _tables() -> Iterator[tuple[str, Any, str]]:
    """Of each library: its name, X there or None, and what is said of it here."""
    for name in (*backend_names(), "array_api_strict"):
        try:
            if name in backend_names():
                backend = get_backend(name)
                told = backend.describe()
                yield name, backend.asarray(X, dtype="float64"), f"{told.version}; {', '.join(told.devices)}"
            else:
                library = importlib.import_module(name)
                yield name, library.asarray(X), f"{library.__version__}; by the Array API alone"
        except (BackendError, ImportError) as error:
            yield name, None, _cell(str(error))


def _of_libraries(notes: Notes) -> Iterator[str]:
    yield "| library | here | " + " | ".join(f"`{solver}`" for solver in SOLVERS) + " |"
    yield "| --- | --- |" + " --- |" * len(SOLVERS)
    for name, table, told in _tables():
        cells = [
            "not asked here" if table is None else notes.mark(asked(solver, ANY_TARGET, ANY_PENALTY, table))
            for solver in SOLVERS
        ]
        yield f"| {LIBRARIES.get(name, name)} | {told} | " + " | ".join(cells) + " |"
    yield ""


class Support(SphinxDirective):
    """The tables and the notes below them."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """The sections, as Markdown that is parsed."""
        notes = Notes()
        with config_context(backend="numpy", fast=False):
            lines = ["## Solvers, losses and penalties", ""]
            for solver in SOLVERS:
                lines += _of_solver(solver, notes)
            lines += ["## Libraries and devices", "", *_of_libraries(notes)]
        lines += ["(support-notes)=", "## What is said where it does not work", ""]
        lines += [f"{number}. {_cell(error)}" for error, number in notes.items()]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("support", Support)
    return {"parallel_read_safe": True}
