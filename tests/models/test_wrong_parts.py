"""Files whose parts do not fit each other, written by someone who knows the hash: each is refused, and why is said."""

import copy
import json

import numpy as np
import pytest
from conftest import need
from safetensors import safe_open
from safetensors.numpy import save as save_bytes
from sklearn.datasets import load_iris

from regnet import MLPClassifier, MLPClassifierCV, MLPRegressor, ModelFileError, TableEncoder, load, save
from regnet.networks.container import _digest

X, Y = load_iris(return_X_y=True)
SHORT = {"max_iter": 3, "random_state": 0, "hidden_layer_sizes": (3,)}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class File:
    """A saved model, of which a part can be changed."""

    def __init__(self, path, model):
        self.path = path
        save(path, model)
        with safe_open(path, framework="np") as file:
            self._description = json.loads(file.metadata()["regnet"])
            self._tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    def refused(self, change, match):
        """Whether `change(objects, tensors)` makes a file that is refused; objects: the parts of a class by name."""
        description, tensors = copy.deepcopy(self._description), dict(self._tensors)
        nodes = description["objects"]
        change({node["class"]: node["parts"] for node in nodes}, tensors, nodes)
        text = json.dumps(description)
        content = save_bytes(tensors, metadata={"regnet": text, "sha256": _digest(text, tensors)})
        self.path.write_bytes(content)
        with pytest.raises(ModelFileError, match=match):
            load(self.path)


@pytest.fixture
def estimator(tmp_path):
    return File(tmp_path / "m.st", MLPClassifier(**SHORT, input_groups=[*"aabb"]).fit(X, Y))


@pytest.fixture
def search(tmp_path):
    frame = need("pandas").DataFrame(X, columns=[*"abcd"])
    frame["site"] = np.where(X[:, 0] > 6, "far", "near")
    model = MLPClassifierCV(**SHORT, cv=3, n_lambdas=3, preprocessor=TableEncoder()).fit(frame, Y)
    return File(tmp_path / "m.st", model)


def set_tensor(mark, tensors, array):
    """Make another array of the tensor that a mark of the description names."""
    tensors[mark["tensor"]] = array
    mark |= {"dtype": array.dtype.name, "shape": list(array.shape)}


def of_weights(number, array):
    return lambda parts, tensors, _: set_tensor(parts["Fitted"]["weights"][number], tensors, array)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (of_weights(0, np.full((4, 3), np.nan)), "a Fitted of it holds what it cannot"),
        (of_weights(0, np.ones((4, 3), np.float32)), "a Fitted of it holds what it cannot"),
        (of_weights(0, np.ones((5, 3))), "a Fitted of it holds what it cannot"),  # its groups are of four inputs
        (of_weights(1, np.ones((2, 3))), "a Fitted of it holds what it cannot"),  # three neurons come in
        (of_weights(1, np.ones((3, 4))), "a Fitted of it holds what it cannot"),  # four outputs for three biases
        (lambda parts, *_: parts["MLPClassifier"]["found"].update(n_features_in_=5), "does not fit its weights"),
        (lambda parts, *_: parts["MLPClassifier"]["params"].update(activation="gelu"), "its MLPClassifier is none"),
        (lambda parts, *_: parts["MLPClassifier"]["params"].update(depth=3), "its MLPClassifier is none"),
        (lambda parts, *_: parts["MLPClassifier"]["found"].update(lambdas_=1.0), "lambdas_ of its MLPClassif"),
        (lambda parts, *_: parts["MLPClassifier"]["found"].update(color="red"), "attribute 'color', which this regnet"),
        (lambda parts, *_: parts["Labels"].update(kind="binary"), "a Labels of it holds what it cannot"),
        (lambda parts, *_: parts["Labels"].update(hue=1), "a Labels of it has the fields"),
        (lambda parts, *_: parts["ClassTargets"].update(labels=None), "a ClassTargets of it holds what it cannot"),
        (lambda parts, *_: parts["Grouping"].update(labels={"tuple": ["a"]}), "a Grouping of it holds what it cannot"),
        (lambda parts, *_: parts["Grouping"].update(kind="columns"), "a Grouping of it holds what it cannot"),
        (lambda _, __, nodes: nodes[0].update({"class": "os.system"}), "'os.system', which this regnet does not know"),
        (lambda _, __, nodes: nodes.pop(), "holds a Fitted, which is no model"),
        (lambda _, __, nodes: nodes[-1]["parts"].update(fitted={"object": -1}), "a value of its description"),
        (lambda _, __, nodes: nodes[-1]["parts"].update(fitted={"object": True}), "a value of its description"),
        (lambda _, __, nodes: nodes[-1]["parts"].update(fitted={"object": 99}), "a value of its description is none"),
    ],
)  # fmt: skip
def test_parts_of_an_estimator(estimator, change, match):
    estimator.refused(change, match)


def found(**values):
    return lambda parts, *_: parts["MLPClassifierCV"]["found"].update(values)


def of_found(name, array):
    return lambda parts, tensors, _: set_tensor(parts["MLPClassifierCV"]["found"][name], tensors, array)


def other_path(parts, tensors, _):
    set_tensor(parts["PathResult"]["lambdas"], tensors, np.asarray([1.0, 2.0, 3.0]))


def other_encoder(parts, *_):
    parts["TableEncoder"]["found"]["columns_"]["tuple"].pop()


def other_table(parts, *_):
    parts["MLPClassifierCV"]["found"] |= {"n_features_in_": 3}
    del parts["MLPClassifierCV"]["found"]["feature_names_in_"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (found(best_index_=3), "lacks a part, or has one of another"),
        (found(one_se_index_=-1), "lacks a part, or has one of another"),
        (found(best_index_=1.0), "best_index_ of its MLPClassifierCV is not int"),
        (of_found("lambdas_", np.asarray([3.0, 2.0, 1.0])), "lacks a part, or has one of another"),
        (of_found("score_mean_", np.ones(4)), r"score_mean_ of its MLPClassifierCV is not float\[L\]"),
        (of_found("cv_scores_", np.ones((3, 3, 1), np.int64)), "cv_scores_ of its MLPClassifierCV is not float"),
        (other_path, "the path of its MLPClassifierCV is of other strengths"),
        (other_encoder, "its encoder makes another number of inputs"),
        (other_table, "and the estimator that it chose take other tables"),
        (lambda parts, *_: parts["MLPClassifierCV"].update(best=None, path=3), "of other strengths"),
        (lambda parts, *_: parts["MLPClassifierCV"]["found"].pop("input_norms_"), "a tensor that its desc"),
        (lambda parts, *_: parts["PathResult"]["estimators"]["tuple"].pop(), "of its path is not float"),
        (lambda parts, *_: parts["Pipeline"].update(estimator={"object": 0}), "its pipeline is no encoder and an est"),
    ],
)  # fmt: skip
def test_parts_of_a_search(search, change, match):
    search.refused(change, match)


def test_values_of_one_output_that_is_no_regression(tmp_path):
    file = File(tmp_path / "m.st", MLPRegressor(**SHORT).fit(X, X[:, 0]))
    file.refused(lambda parts, *_: parts["ValueTargets"].update(rates=1), "a ValueTargets of it holds what it cannot")
    file.refused(lambda parts, *_: parts["Resumable"].update(t=None), "a Resumable of it holds what it cannot")
