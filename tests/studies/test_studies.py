"""A study against loops of lone trainings, its journal, and what it makes of its figures."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import need
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from regnet import (
    Adam,
    DivergenceWarning,
    InverseTime,
    MLPClassifier,
    MLPRegressor,
    Normal,
    StudyResult,
    datasets,
    fit,
    study,
)
from regnet.mathematics.intervals import mean_interval
from regnet.mathematics.penalties import Penalty
from regnet.networks.network import Network
from regnet.studies import training
from regnet.studies.plan import MEASURED, Plan, make_plan
from regnet.studies.training import seconds_for, train_seeds

L2 = {"weight_l2": [1e-3, 0.0], "bias_l2": [1e-3, 0.0]}
PENALTIES = {"none": {}, "L2": L2, "L1": {"weight_l1": [1e-3, 0.0]}, "both": L2 | {"weight_l1": [1e-3, 0.0]}}


def spiral_rows(seed):
    x, y = datasets.spiral(samples=60, seed=seed)
    fresh = datasets.spiral(samples=50, seed=seed + 1000)
    return x[:90], y[:90], x[90:], y[90:], *fresh


def spiral_network(epochs=60, **settings):
    return MLPClassifier(
        hidden_layer_sizes=(24,), solver=Adam(InverseTime(0.02, 5e-7)), batch_size=90, shuffle=False, max_iter=epochs,
        n_iter_no_change=np.inf, initializer=Normal(0.1), **settings,
    )  # fmt: skip


def studied(n_seeds=3, **settings):
    return study(spiral_network(), spiral_rows, PENALTIES, n_seeds=n_seeds, subset=20, progress=False, **settings)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_study_is_a_loop_of_estimators():
    """Every seed and penalty alone, by the estimator's own fit and scikit-learn's own score."""
    found = studied()
    assert found.train.shape == found.held_out.shape == found.subset.shape == found.fresh.shape == (4, 3, MEASURED)
    assert found.epochs == tuple(range(40, 61))
    for p, strengths in enumerate(PENALTIES.values()):
        for seed in range(3):
            x, y, x_test, y_test, x_fresh, y_fresh = spiral_rows(seed)
            alone = spiral_network(random_state=seed, alpha=0.0).set_params(**strengths)
            kept = []

            def keep(record, model, kept=kept):
                kept.append(model.evaluate(*rows)["accuracy"] for rows in ())

            alone.fit(x, y, callbacks=[keep], log_every=1)
            assert found.train[p, seed, -1] == pytest.approx(alone.score(x, y), abs=1e-6)
            assert found.held_out[p, seed, -1] == pytest.approx(alone.score(x_test, y_test), abs=1e-6)
            chosen = np.random.default_rng(seed).permutation(90)[:20]
            assert found.subset[p, seed, -1] == pytest.approx(alone.score(x_test[chosen], y_test[chosen]), abs=1e-6)
            assert found.fresh[p, seed, -1] == pytest.approx(alone.score(x_fresh, y_fresh), abs=1e-6)
            np.testing.assert_allclose(found.train[p, seed], alone.history_.column("metric")[-MEASURED:], atol=1e-6)
            squares = [float(np.sum(weight.astype(float) ** 2)) for weight in alone.coefs_]
            np.testing.assert_allclose(found.norms[p, seed], squares, rtol=1e-4)


def test_blocks_and_companions_change_no_bit():
    """Seeds trained together, and a penalty trained alone by `fit`, have the bits of the study."""
    plan = make_plan(spiral_network(), spiral_rows, PENALTIES, 3, 20)
    together = dict(train_seeds(plan, (0, 1, 2), lambda epoch: None))
    for seed in range(3):
        ((_, alone),) = train_seeds(plan, (seed,), lambda epoch: None)
        for one, other in zip(alone, together[seed], strict=True):
            np.testing.assert_array_equal(one, other)
    x, y, *_ = spiral_rows(1)
    network = Network.mlp([2, 24, 3], loss="categorical_crossentropy")
    begun = plan.prepared(1, plan.rows_of(1))
    lone = fit(
        network, x, y, optimizer=begun.optimizer, penalties=[Penalty(weight_l2=1e-3, bias_l2=1e-3), None], epochs=60,
        params=network.unpack(begun.problem.state.point), log_every=1, progress=False,
    )  # fmt: skip
    np.testing.assert_array_equal(lone.history.column("metric")[-MEASURED:], together[1].train[1])


def table_rows(load):
    x, y = load(return_X_y=True)

    def rows(seed):
        parts = train_test_split(x, y, test_size=0.4, random_state=seed)
        scale, target = StandardScaler().fit(parts[0]), (parts[2].mean(), parts[2].std())
        x_train, x_test = scale.transform(parts[0]), scale.transform(parts[1])
        if y.dtype.kind == "f":
            return x_train, (parts[2] - target[0]) / target[1], x_test, (parts[3] - target[0]) / target[1]
        return x_train, np.asarray(["no", "yes"])[parts[2]], x_test, np.asarray(["no", "yes"])[parts[3]]

    return rows


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("kind", "load", "metric"), [
    (MLPClassifier, load_breast_cancer, "accuracy"), (MLPRegressor, load_diabetes, "r2"),
])  # fmt: skip
def test_tables_in_batches_with_labels_or_values(kind, load, metric):
    network = kind(hidden_layer_sizes=(8,), batch_size=50, max_iter=30, learning_rate_init=0.01)
    penalties = {"none": {}, "inputs": {"input_l1": 0.05, "weight_l2": [0.0, 0.01]}}
    found = study(network, table_rows(load), penalties, n_seeds=4, subset=30, progress=False)
    assert (found.metric, found.fresh.size, found.ceiling) == (metric, 0, None)
    assert found.finding("inputs").fresh is None
    assert found.finding("none").held_out.mean > (0.9 if metric == "accuracy" else 0.2)
    assert (found.norms[1, :, 0] < found.norms[0, :, 0]).all()
    assert "fresh" not in found.change("inputs")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_batches_are_drawn_by_the_seed_alike_for_all_penalties(monkeypatch):
    """With the same rows and first weights, seeds differ by their batches alone, and penalties by nothing."""
    X, y = datasets.spiral(samples=60)
    given, own = [], training.fit

    def noted(*args, seed, params, **settings):
        given.append(seed)
        first = [tuple(np.broadcast_to(one[:1], one.shape).copy() for one in layer) for layer in params]
        return own(*args, seed=seed, params=first, **settings)

    monkeypatch.setattr(training, "fit", noted)
    monkeypatch.setattr(Plan, "blocks", lambda plan, seeds, on_device: [seeds])
    network = MLPClassifier(hidden_layer_sizes=(6,), batch_size=20, max_iter=5, learning_rate_init=0.05)
    found = study(
        network, lambda seed: (X[:120], y[:120], X[120:], y[120:]), {"none": {}, "none again": {}}, n_seeds=2,
        subset=30, progress=False,
    )  # fmt: skip
    assert given == [[0, 0, 1, 1]]
    assert (found.norms[0] == found.norms[1]).all()
    assert (found.norms[:, 0] != found.norms[:, 1]).all()


def test_rows_may_be_frames_and_lists(tmp_path):
    need("pandas")
    import pandas as pd

    x, y = load_breast_cancer(return_X_y=True)
    x, names = StandardScaler().fit_transform(x), np.asarray(["no", "yes"], dtype=object)[y]
    network = MLPClassifier(hidden_layer_sizes=(4,), batch_size=50, max_iter=5)

    def found(rows, folder):
        settings = {"n_seeds": 2, "subset": 30, "progress": False, "study_dir": tmp_path / folder}
        return study(network, rows, {"none": {}, "L2": {"weight_l2": 1e-3}}, **settings).to_dict()

    arrays = found(lambda seed: (x[:300], y[:300], x[300:], y[300:]), "arrays")
    frame = pd.DataFrame(x, columns=[f"column {number}" for number in range(x.shape[1])])
    assert found(lambda seed: (frame[:300], pd.Series(names[:300]), frame[300:], names[300:].tolist()), "a") == arrays
    assert found(lambda seed: (x[:300].tolist(), y[:300].tolist(), x[300:].tolist(), y[300:].tolist()), "b") == arrays


def test_a_penalty_is_compared_seed_by_seed():
    found = studied()
    gaps = np.median(found.train - found.held_out, axis=-1)
    np.testing.assert_array_equal(found.gaps(), gaps)
    assert found.change("L2")["gap"] == mean_interval(gaps[1] - gaps[0])
    few = np.median(found.train - found.subset, axis=-1)
    own = found.finding("L2")
    assert (own.above.hits, own.above_subset.hits) == ((gaps[1] < 0).sum(), (few[1] < 0).sum())
    assert own.gap_subset == mean_interval(few[1])
    with pytest.raises(ValueError, match="'L3': choose one of none, L2"):
        found.finding("L3")


def test_a_study_goes_on_where_it_stopped(tmp_path, monkeypatch):
    whole = studied(study_dir=tmp_path / "whole")
    begun, told = tmp_path / "begun", []
    from regnet.studies import paired

    def dies(plan, block, tell):
        if 2 in block:
            raise KeyboardInterrupt
        yield from train_seeds(plan, block, tell)

    monkeypatch.setattr(paired, "train_seeds", dies)
    monkeypatch.setattr("regnet.studies.plan.Plan.blocks", lambda self, seeds, on_device: [(one,) for one in seeds])
    with pytest.raises(KeyboardInterrupt):
        studied(study_dir=begun)
    assert sorted(path.name for path in begun.glob("seed*")) == ["seed-0000.json", "seed-0001.json"]
    monkeypatch.setattr(paired, "train_seeds", train_seeds)
    again = studied(study_dir=begun, begin=lambda networks, seconds: told.append((networks, seconds)))
    assert told[0][0] == 4
    assert told[0][1] > 0
    assert again.to_dict() == whole.to_dict()
    more = studied(4, study_dir=begun)
    np.testing.assert_array_equal(more.train[:, :3], whole.train)


def test_the_estimate_of_the_time_warns_of_nothing():
    explodes = spiral_network().set_params(solver=Adam(1e4))
    plan = make_plan(explodes, spiral_rows, PENALTIES, 2, 20)
    assert seconds_for(plan, [(0,), (1,)]) > 0.0
    with pytest.warns(DivergenceWarning):
        list(train_seeds(plan, (0,), lambda epoch: None))


def test_a_record_that_was_changed_is_trained_again(tmp_path):
    whole = studied(study_dir=tmp_path)
    path = tmp_path / "seed-0001.json"
    kept = json.loads(path.read_text())
    kept["outcome"]["train"][0][0] = 1.0
    for content in (json.dumps(kept), "{", "[]", (tmp_path / "seed-0002.json").read_text()):
        path.write_text(content)
        with pytest.warns(UserWarning, match=re.escape("seed-0001.json' cannot be used, and its seed is trained")):
            assert studied(study_dir=tmp_path).to_dict() == whole.to_dict()


def test_a_folder_of_another_study_is_refused(tmp_path):
    studied(1, study_dir=tmp_path)
    other = PENALTIES | {"L2": {"weight_l2": [2e-3, 0.0]}}
    with pytest.raises(ValueError, match="holds another study; these differ: penalties"):
        study(spiral_network(), spiral_rows, other, n_seeds=1, subset=20, study_dir=tmp_path, progress=False)
    with pytest.raises(ValueError, match="these differ: estimator, measured"):
        study(spiral_network(50), spiral_rows, PENALTIES, n_seeds=1, subset=20, study_dir=tmp_path, progress=False)
    (tmp_path / "study.json").write_text("[1, 2")
    with pytest.raises(ValueError, match="not a study's description"):
        studied(1, study_dir=tmp_path)


@pytest.mark.parametrize(("change", "error", "match"), [
    ({"estimator": object()}, TypeError, "MLPClassifier"),
    ({"estimator": MLPClassifier(solver="lbfgs")}, ValueError, "goes to the minimum"),
    ({"estimator": MLPClassifier(early_stopping=True)}, ValueError, "different epochs"),
    ({"rows": [1, 2]}, TypeError, "function"),
    ({"rows": lambda seed: (1, 2)}, TypeError, "must return"),
    ({"penalties": {"none": {}}}, ValueError, "two settings"),
    ({"penalties": {"none": {}, "more": {"alpha": 1.0}}}, ValueError, "sets 'alpha': give strengths only"),
    ({"n_seeds": 0}, ValueError, "n_seeds=0"),
    ({"subset": 1.5}, ValueError, "subset=1.5"),
])  # fmt: skip
def test_what_cannot_be_is_refused(change, error, match):
    given = {"estimator": spiral_network(5), "rows": spiral_rows, "penalties": PENALTIES} | change
    with pytest.raises(error, match=match):
        study(given.pop("estimator"), given.pop("rows"), given.pop("penalties"), progress=False, **given)


def test_an_evaded_penalty_is_told_of_beside_networks_without_one():
    found = studied(4)
    assert found.exits == (None, ((0,), (1,)), ((0,), (1,)), ((0,), (1,)))
    shrunk = np.log(found.norms[1, :, 0] / found.norms[0, :, 0])
    for grown in (0.5, -0.5):
        norms = found.norms.copy()
        norms[1, :, 1] = norms[0, :, 1] * np.exp(grown + 0.1 * np.arange(4))
        told = replace(found, norms=norms).evasion("L2")
        if grown < 0.0:
            assert told is None
        else:
            assert told[0] == mean_interval(shrunk)
            np.testing.assert_allclose(told[1].mean, 0.65)
    assert found.evasion("none") is None
    everywhere = study(spiral_network(), spiral_rows, {"none": {}, "L2": {"weight_l2": 1e-3}}, n_seeds=2, subset=20,
                       progress=False)  # fmt: skip
    assert everywhere.exits == (None, None)
    assert everywhere.evasion("L2") is None


def result_of(gaps, few, metric="accuracy"):
    """Of one penalty beside none, whose networks score .9 on the rows to train on."""
    gaps, few = (np.stack([np.asarray(own), np.asarray(own)])[..., None] for own in (gaps, few))
    shape = gaps.shape
    return StudyResult(
        ("none", "L2"), tuple(range(shape[1])), metric, (10,), (3000, 3000, 300, 0), np.full(shape, 0.9), 0.9 - gaps,
        0.9 - few, np.empty((*shape[:2], 0)), np.ones((*shape[:2], 2)), np.zeros(shape[:2], dtype=bool),
    )  # fmt: skip


def test_the_answer_says_what_the_figures_say():
    below = result_of([0.01, 0.015, 0.02, 0.025, 0.03], [0.02, 0.03, 0.02, 0.01, 0.02])
    assert below.answer.startswith("Your code need not be wrong: with L2 a correct training ends with the held-out")
    assert "by 2.00 points" in below.answer
    assert "held out is above in 0 of 5 seeds with 3,000 rows held out, and in 0 with 300." in below.answer
    above = result_of([-0.01, -0.015, -0.02, -0.025, -0.03], [-0.01, -0.015, -0.02, -0.025, -0.03])
    assert above.answer.startswith("Held-out accuracy below that of training would be unusual here")
    assert "above in 5 of 5 seeds" in above.answer
    unsure = result_of([-0.01, 0.02, 0.0], [-0.01, 0.02, 0.0])
    assert unsure.answer.startswith("These 3 seeds cannot tell whether your code is wrong")
    assert result_of([0.01], [0.01]).answer.startswith("One seed cannot tell")
    chance = result_of([0.02] * 9 + [0.021], [0.02] * 9 + [-0.001])
    assert "and in 1 with 300, by chance." in chance.answer
    assert "by 0.020 r2 (" in result_of([0.01, 0.015, 0.02, 0.025, 0.03], [0.02] * 5, "r2").answer
    for number in re.findall(r"\d+\.\d+ to \d+\.\d+", below.answer):
        low, high = map(float, number.split(" to "))
        np.testing.assert_allclose([low, high], np.round(100 * np.asarray(below.finding("L2").gap[2:4]), 2), atol=0.011)


def test_a_result_is_a_line_a_picture_and_a_table():
    found = result_of([0.01, 0.02, 0.03], [0.02, 0.03, 0.01])
    assert repr(found) == "StudyResult(3 seeds; accuracy, training minus held out: none 0.0200, L2 0.0200)"
    assert found._repr_html_().count("<tr>") == 3
    json.dumps(found.to_dict(), allow_nan=False)
    figure = found.plot()
    assert [axis.get_title() for axis in figure.axes] == ["3,000 rows held out", "300 rows held out"]
    assert figure._suptitle.get_text().replace("\n", " ") == found.answer
    assert "points" in figure.axes[0].get_ylabel()
    dots = [line for line in figure.axes[0].lines if len(line.get_ydata()) == 3]
    np.testing.assert_allclose(sorted(dots[1].get_ydata()), [1.0, 2.0, 3.0])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("by", ["sample_weight", "class_weight"])
def test_rows_count_by_their_weights(by):
    """In the training and in the scores: weights that the estimator's own `fit` and `score` are given."""
    heavy = {0: 1.0, 1: 5.0, 2: 0.5}

    def rows(seed):
        x, y, x_test, y_test, *_ = spiral_rows(seed)
        weights = [np.random.default_rng(seed).uniform(0.1, 4, len(own)) for own in (y, y_test)]
        return x, y, x_test, y_test, None, None, *(weights if by == "sample_weight" else (None, None))

    network = spiral_network() if by == "sample_weight" else spiral_network(class_weight=heavy)
    found = study(network, rows, PENALTIES, n_seeds=2, subset=20, progress=False)
    assert found.fresh.size == 0
    for p, strengths in enumerate(PENALTIES.values()):
        for seed in range(2):
            x, y, x_test, y_test, _, _, *weights = rows(seed)
            alone = clone(network).set_params(random_state=seed, alpha=0.0, **strengths).fit(x, y, weights[0])
            if by == "class_weight":
                weights = [np.vectorize(heavy.get)(own) for own in (y, y_test)]
            assert found.train[p, seed, -1] == pytest.approx(alone.score(x, y, weights[0]), abs=1e-6)
            assert found.held_out[p, seed, -1] == pytest.approx(alone.score(x_test, y_test, weights[1]), abs=1e-6)
            few = np.random.default_rng(seed).permutation(len(y_test))[:20]
            own = alone.score(x_test[few], y_test[few], weights[1][few])
            assert found.subset[p, seed, -1] == pytest.approx(own, abs=1e-6)
    plain = study(spiral_network(), spiral_rows, PENALTIES, n_seeds=2, subset=20, progress=False)
    assert (plain.held_out != found.held_out).any()
