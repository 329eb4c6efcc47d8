"""Tables of results for notebooks."""

from __future__ import annotations

import numpy as np
from conftest import need
from sklearn.datasets import make_friedman1

from regnet import MLPRegressor, knockoff_selection, path, stability_selection

X, Y = make_friedman1(100, n_features=12, random_state=0)
MLP = MLPRegressor(hidden_layer_sizes=(), solver="newton", random_state=0)


def test_a_path_is_shown_as_a_table():
    found = path(MLP, X, Y, n_lambdas=30)
    shown = found._repr_html_()
    assert shown.count("<tr>") == 21
    assert "<th>score</th>" not in shown
    assert f"<td>{found.lambdas[0]:.4g}</td>" in shown
    assert f"<td>{found.lambdas[-1]:.4g}</td>" in shown
    assert "x7 and 4 more" in shown
    scored = path(MLP, X, Y, n_lambdas=2, validation_data=(X, Y))._repr_html_()
    assert scored.count("<tr>") == 3
    assert "<th>score</th>" in scored


def test_stability_is_shown_as_a_table_with_the_most_stable_inputs_first():
    found = stability_selection(MLP, X, Y, n_lambdas=4, subsamples=10)
    shown = found._repr_html_()
    assert shown.count("<tr>") == 13
    first = found.feature_names[int(np.argmax(found.largest))]
    assert shown.index(f"<td>{first}</td>") < min(shown.index(f"<td>x{k}</td>") for k in range(12) if f"x{k}" != first)


def test_knockoffs_are_shown_as_a_table_with_the_most_evidence_first():
    found = knockoff_selection(MLP, X, Y, fdr=0.3, draws=3, n_lambdas=6)
    shown = found._repr_html_()
    assert shown.count("<tr>") == 13
    assert shown.count("<td>yes</td>") == found.n_selected > 0
    first = found.feature_names[int(np.argmax(found.e_values + 1e-9 * found.statistics.mean(axis=0)))]
    assert shown.index(f"<td>{first}</td>") < min(shown.index(f"<td>x{k}</td>") for k in range(12) if f"x{k}" != first)


def test_names_are_text():
    frame = need("pandas").DataFrame(X[:, :2], columns=["<script>alert(1)</script>", "a & b"])
    for found in (path(MLP, frame, Y, n_lambdas=3), stability_selection(MLP, frame, Y, n_lambdas=2, subsamples=2)):
        shown = found._repr_html_()
        assert "<script>" not in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert "a &amp; b" in shown
