"""What a page says is what the result holds; whatever is in it is text; nothing of it needs a network."""

import copy
import dataclasses
import html.parser
import json
import re
import sys

import numpy as np
import pytest
from conftest import need
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Lasso
from sklearn.metrics import confusion_matrix

from regnet import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, StudyResult, TableEncoder, report
from regnet.reports.facts import settings_of
from regnet.reports.page import Table
from regnet.training.evasion import Exits

SETTINGS = {"hidden_layer_sizes": (3,), "n_lambdas": 6, "cv": 3, "random_state": 0, "keep_predictions": True}


class Reader(html.parser.HTMLParser):
    """The texts of a page by tag, and the attributes that name something outside of it."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.outside, self.scripts = [], {}, [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.scripts += tag == "script"
        self.outside += [value for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]

    def handle_data(self, data):
        if self.open and data.strip():
            self.texts.setdefault(self.open[-1], []).append(data.strip())


def specs(page):
    """What the page's last script shows, as its own text has it."""
    text = re.search(r"const charts = (\[.*?\]);\ncharts\.forEach", page, re.DOTALL)
    return json.loads(text[1])


def values(spec, field):
    """All of a chart's rows that have a field, of its first layer that has any."""
    kept = [one for rows in spec["datasets"].values() for one in rows] if "datasets" in spec else []
    stack = [spec]
    while stack:
        one = stack.pop(0)
        stack += one.get("layer", [])
        found = one.get("data", {}).get("values", [])
        if found and field in found[0]:
            return found
    return [one for one in kept if field in one]


@pytest.fixture(scope="module")
def classes():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X.iloc[::3, :8], np.where(y, "benign", "malignant")[::3]


@pytest.fixture(scope="module")
def searched(classes):
    return MLPClassifierCV(**SETTINGS).fit(*classes)


@pytest.fixture(scope="module")
def numbers():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    return X.iloc[::2], y[::2]


@pytest.fixture(scope="module")
def study():
    rng = np.random.default_rng(0)
    train = 0.9 + 0.01 * rng.random((2, 4, 3))
    held_out = train - 0.02 + 0.01 * rng.random((2, 4, 3))
    return StudyResult(
        ("none", "L2"), (0, 1, 2, 3), "accuracy", (8, 9, 10), (30, 300, 30, 0), train, held_out, held_out + 0.005,
        np.empty((2, 4, 0)), rng.random((2, 4, 2)), np.zeros((2, 4), bool),
    )  # fmt: skip


def test_a_search(searched, classes):
    made = report(searched, y=classes[1], title="a <title>")
    text = made.html
    assert len(text) < 2_000_000
    assert Reader(text).texts["h1"] == ["a <title>"]
    assert f"{searched.lambda_:.3g}" in made.page.answer
    assert f"{searched.score_mean_[searched.best_index_]:.4f}" in made.page.answer
    assert f"uses {searched.n_selected_[searched.best_index_]} of 8 inputs" in made.page.answer
    scores, norms, confusion = specs(text)
    np.testing.assert_allclose([one["score"] for one in values(scores, "score")], searched.score_mean_)
    np.testing.assert_allclose([one["error"] for one in values(scores, "score")], searched.score_se_)
    assert [one["used"] for one in values(scores, "score")] == searched.n_selected_.tolist()
    for number, name in enumerate(searched.input_names_):
        own = [one["norm"] for one in values(norms, "norm") if one["name"] == name]
        np.testing.assert_allclose(own, searched.input_norms_[:, number], rtol=1e-3, atol=1e-12)
    guessed = searched.classes_[searched.cv_predictions_[searched.best_index_].argmax(axis=1)]
    counts = confusion_matrix(classes[1], guessed)
    assert [one["rows"] for one in values(confusion, "rows")] == counts.ravel().tolist()
    right = f"{(guessed == classes[1]).mean():.1%} of them right"
    assert right in text


def test_the_strength_up_to_which_an_input_is_used(searched):
    table = next(part for part in report(searched).page.parts if isinstance(part, Table))
    assert len(table.rows) == 8
    lambdas, used = searched.lambdas_, searched.input_norms_ > 0
    for place, (name, chosen, until) in enumerate(table.rows):
        own = used[:, list(searched.input_names_).index(name)]
        last = own.nonzero()[0].max(initial=-1)
        expected = "no strength" if last < 0 else f"{lambdas[last]:.3g}"
        assert until == ("every strength" if last == len(lambdas) - 1 else expected)
        assert (chosen == "yes") == own[searched.best_index_] == (place in table.marked)


def test_values(numbers):
    X, y = numbers
    search = MLPRegressorCV(**SETTINGS, preprocessor=TableEncoder()).fit(X, y)
    figure = specs(report(search, y=y, facts={"target": "progression"}).html)[-1]
    dots = values(figure, "predicted")
    if len(dots) == 2:  # the line on which both agree
        dots = figure["layer"][1]["data"]["values"]
    np.testing.assert_allclose(sorted(one["actual"] for one in dots), np.sort(y), rtol=1e-4)
    predicted = search.cv_predictions_[search.best_index_, :, 0]
    np.testing.assert_allclose(sorted(one["predicted"] for one in dots), np.sort(predicted), rtol=1e-4)
    assert "progression" in json.dumps(figure)


@pytest.mark.parametrize(
    "settings",
    [
        {"lambdas": (0.0, 0.01, 0.1)},
        {"lambdas": (0.01,)},
        {"penalty": "weight_l2"},
        {"penalty": "alpha", "select": "min"},
        {"select": "paired"},
        {"input_groups": [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]},
        {"refit": False},
        {"keep_predictions": False},
        {"warm_start": False},
    ],
    ids=str,
)
def test_searches_of_every_kind(settings, numbers):
    search = MLPRegressorCV(**{**SETTINGS, **settings}).fit(*numbers)
    page = report(search, y=numbers[1])
    assert len(specs(page.html)) == (2 if settings.get("keep_predictions") is False else 3)
    has_table = any(isinstance(part, Table) for part in page.page.parts)
    assert has_table == (search.penalty == "input_l1")


def test_networks_that_diverged_have_no_point(searched, classes):
    wreck = MLPClassifierCV(**SETTINGS).fit(*classes)
    wreck.score_mean_, wreck.n_diverged_ = wreck.score_mean_.copy(), 3
    wreck.score_mean_[0] = np.nan
    made = report(wreck)
    assert len(values(specs(made.html)[0], "score")) == 5
    assert any("3 networks diverged" in note for note in made.page.notes)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_network(classes, numbers):
    X, y = numbers
    fitted = MLPRegressor(hidden_layer_sizes=(4,), input_l1=0.1, max_iter=30, random_state=0)
    fitted.fit(X[:150], y[:150], validation_data=(X[150:], y[150:]))
    made = report(fitted, X=X[150:], y=y[150:], notes=["see below"])
    assert made.page.notes == ["see below"]
    assert f"{fitted.score(X[150:], y[150:]):.4f} on {len(X) - 150} rows given to the report" in made.page.answer
    loss, score, _ = specs(made.html)
    lines = {one["line"] for one in values(loss, "line")}
    assert lines == {"loss", "data loss", "held-out data loss"}
    own = [one["value"] for one in values(score, "line") if one["line"] == "training rows"]
    np.testing.assert_allclose(own, fitted.history_.column("metric"), rtol=1e-4)
    table = next(part for part in made.page.parts if isinstance(part, Table) and part.title == "Inputs by name")
    assert [row[0] for row in table.rows if row[1] == "yes"] == X.columns[fitted.selected_features_].tolist()
    clf = MLPClassifier(hidden_layer_sizes=(), max_iter=3, random_state=0).fit(*classes)
    figure = report(clf, X=classes[0], y=classes[1], class_names=["good", "bad"]).page.parts[-1]
    assert figure.title == "Right and wrong"
    assert "good" in json.dumps(figure.chart.to_dict())
    losses, layers = report(clf).page.parts
    assert [one["value"] for one in values(losses.chart.to_dict(), "line")] == pytest.approx(clf.loss_curve_, rel=1e-4)
    assert layers.rows[0][1:3] == [f"{np.sum(clf.coefs_[0] ** 2):.4g}", "0.0%"]


def test_a_study(study):
    made = report(study)
    assert made.page.answer == study.answer
    large, small = specs(made.html)
    for chart, subset in ((large, False), (small, True)):
        gaps = [one["gap"] for one in values(chart, "seed")]
        np.testing.assert_allclose(gaps, 100 * study.gaps(subset=subset).ravel(), rtol=1e-4)
    changes, figures = (part for part in made.page.parts if isinstance(part, Table))
    own = study.change("L2")["gap"]
    assert ["gap, 300 rows", f"{100 * own.low:+.2f} to {100 * own.high:+.2f}"] in changes.rows
    assert len(figures.header) == 3
    assert list(made.page.notes) == []
    only = dataclasses.replace(study, counts=(30, 30, 30, 0))
    assert [row[0] for row in report(only).page.parts[0].rows] == ["training", "30 held out", "gap, 30 rows"]
    free = np.array([[[9.0, 1.0]] * 4, [[1.0, 9.0]] * 4]) * np.linspace(1, 1.1, 4)[:, None]
    evaded = dataclasses.replace(study, norms=free, exits=(None, Exits((0,), (1,))))
    (note,) = report(evaded).page.notes
    assert note.startswith("Evaded, beside none: L2 (sum W^2 0.111 times in layers with it, 9 in others)")


def test_nothing_is_asked_of_a_network(searched, study):
    for result in (searched, study):
        text = report(result).html
        assert "default-src 'none'" in text
        assert Reader(text).outside == []
        assert not re.search(r"@import|url\(", text.split("</style>")[0])


def test_names_are_text(classes):
    X, y = classes
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    search = MLPClassifierCV(**SETTINGS).fit(X.rename(columns={X.columns[0]: evil}), np.where(y == "benign", evil, y))
    page = report(search, y=np.where(y == "benign", evil, y), title=evil, notes=[evil], facts={evil: evil})
    read = Reader(page.html)
    assert read.scripts == 2
    assert read.outside == []
    assert evil not in page.html
    charts = page.html.split("const charts = ")[1].split("\ncharts.forEach")[0]
    assert charts.count("\\u003cscript") > 0
    assert not set("<>&") & set(charts)
    assert evil in read.texts["td"]
    assert "&lt;/script&gt;" in page._repr_html_() or "&amp;lt;/script&amp;gt;" in page._repr_html_()


def test_targets_that_are_not_those_of_fit(searched, classes):
    with pytest.raises(ValueError, match=r"y has 10 rows, but the search was fitted to 190: give the y that fit"):
        report(searched, y=classes[1][:10])
    with pytest.raises(ValueError, match=r"y holds False, which the search does not know \('benign', 'malignant'\)"):
        report(searched, y=classes[1] == "benign")


def test_a_page_is_no_picture(searched, tmp_path):
    with pytest.raises(ValueError, match=r"a name that ends in \.html"):
        report(searched, tmp_path / "page.png")
    assert list(tmp_path.iterdir()) == []


def test_saving(searched, tmp_path):
    made = report(searched, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == made.html
    assert repr(made).startswith("Report(How strong should the penalty be?: Take a strength of ")
    assert made._repr_html_().startswith("<iframe srcdoc=")


def test_what_there_is_no_report_of(monkeypatch, searched):
    with pytest.raises(TypeError, match="not Lasso"):
        report(Lasso())
    for unfitted in (MLPClassifierCV(), MLPRegressor()):
        with pytest.raises(NotFittedError):
            report(unfitted)
    made = report(searched)
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    for make in (lambda: report(searched), lambda: made.html):
        with pytest.raises(ImportError, match="pip install altair vl-convert-python"):
            make()


def test_large_tables_stay_small_pages():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 400)).astype("float32")
    y = X[:, 0] + rng.normal(size=6000)
    search = MLPRegressorCV((), n_lambdas=30, cv=2, random_state=0, keep_predictions=True, max_iter=2).fit(X, y)
    text = report(search, y=y).html
    assert len(text) < 2_000_000
    assert "6,000 rows, 2,000 of them drawn" in text
    assert "The first 200 of 400" in text


def test_what_must_not_be_missed(searched):
    told = report(searched).page.notes
    near = [note for note in told if note.startswith("Near a tie")]
    assert len(near) == searched.near_tie_
    close = copy.copy(searched)
    close.near_tie_, close.rival_, close.margin_, close.min_index_ = True, 0.0276, 0.007, 0
    assert list(report(close).page.notes)[-2:] == [
        "Near a tie: 0.0276 is 0.007 standard errors from being chosen, and another machine's rounding may choose it. "
        "Either will do: their scores hardly differ.",
        "The best strength is the weakest that was tried: beyond it there may be a better one.",
    ]


def test_one_fold_has_points_without_bars(searched):
    one = copy.copy(searched)
    one.score_se_ = np.full_like(searched.score_se_, np.nan)
    points = values(specs(report(one).html)[0], "score")
    assert [point["score"] for point in points] == searched.score_mean_.tolist()
    assert {point["low"] for point in points} == {point["error"] for point in points} == {None}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_computed_it_is_the_networks_own(numbers):
    torch = need("torch")
    X, y = (torch.tensor(np.array(one, dtype="float64")) for one in numbers)
    fitted = MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0).fit(X, y)
    page = report(fitted, X=X, y=y).page
    assert page.facts["computed by"] == "torch, cpu, float64"
    assert f"{fitted.score(X, y):.4f} on {len(y)} rows" in page.answer


def test_a_pages_settings_count_what_is_too_long_to_show():
    """They were cut in the middle of a list of labels."""
    search = MLPClassifierCV(input_groups=[f"column {number}" for number in range(30)], lambdas=(0.1, 0.2))
    assert settings_of(search) == "input_groups=(30 values), lambdas=(0.1, 0.2)"
