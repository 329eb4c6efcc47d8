"""What is given to public functions, in every container and shape: the right result, or an error that helps.

Right is what the same numbers give as a plain array. An error names the argument in the caller's words, in less than
600 characters, and nothing of regnet's insides or of a library's. As a script with a count, such as 10000, it tries
so many, in place of two hundred.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # as a script it finds the tests' own modules

from doors import CLASSES, DOORS, answer
from dressed import DRESSES, SHAPES, snapshot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.utils._param_validation import InvalidParameterError

INTERNALS = re.compile(
    r"tuple index|boolean value of NA|'<' not supported|has no attribute|object is not|could not be broadcast|"
    r"unexpected keyword|index out of|is out of bounds|NoneType|np\.(int|float|str)|ufunc|numpy\.(int|float)\d|"
    r"class '8'|BaseMLP|Placement|truth value|not iterable|unhashable|setting an array element|unsupported operand|"
    r"loop of ufunc|setitem|Cannot interpret|has no len|division by zero|zero-size array|reduction operation"
)
WORDS = {
    "X": r"\bX\b|array|features|feature names|samples|columns|dtype|NaN|finite|expected",
    "y": r"\by\b|classes|sample|feature|label|multi|target|may contain large values|No strength has|np.matrix is",
    "sample_weight": r"sample_weight|samples",
    "exposure": "exposure",
    "groups": "groups|samples",
    "classes": "classes",
    "knockoffs": "knockoffs",
    "x": r"\bx\b|the network has",
    "penalty_factor": "penalty_factor",
    "lambdas": "lambdas|No strength has a score",
}
"""By which an error may speak of an argument; scikit-learn's own errors say "array" of X."""

LOOSE = ("float32", "float16", "torch float32", *(name for name in DRESSES if "int" in name.lower()), "bool")


@cache
def plainly(door, argument, shape, dress):
    """The outcome for the same numbers as plain arrays: arrays, or an error's type."""
    arguments = dict(DOORS[door][1])
    with np.errstate(all="ignore"):
        values = DRESSES[dress](SHAPES[shape](np.array(arguments[argument])))[1]
    return None if values is None else outcome(door, {**arguments, argument: np.array(values, dtype=np.float64)})


def outcome(door, given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return answer(door, given)
        except (ValueError, TypeError) as error:
            return error


def judge(door, argument, shape, dress):
    """'right' or 'refused'; anything else raises AssertionError that says what happened."""
    arguments = {name: np.array(value) for name, value in DOORS[door][1].items()}
    with np.errstate(all="ignore"):
        arguments[argument], _ = DRESSES[dress](SHAPES[shape](arguments[argument]))
    before = {name: snapshot(value) for name, value in arguments.items()}
    optional = dress == "None" and argument not in ("X", "x", "y")
    found = outcome(door, arguments)
    for name, value in arguments.items():
        assert snapshot(value) == before[name], f"{name} was changed"
    if isinstance(found, Exception):
        message = str(found)
        assert len(message) < 600, f"{len(message)} characters: {message[:200]}"
        internal = INTERNALS.search(message)
        assert internal is None or isinstance(found, InvalidParameterError), f"{type(found).__name__}: {message}"
        own = argument.removesuffix("_valid")
        assert re.search(WORDS.get(own, rf"\b{own}\b"), message), f"{argument} is not named: {message}"
        return "refused"
    if optional:
        return "right"
    trained = "fit" in door and not door.startswith("TableEncoder") and not argument.endswith("_valid")
    assert not trained or all_finite(found), "a result that is not finite"
    plain = plainly(door, argument, shape, dress)
    if door.startswith("TableEncoder"):
        return "right"
    if (DOORS[door][1][argument] is CLASSES and "text" in dress) or dress == "string dtype":
        return "right"  # classes of their own
    if argument == "input_groups":
        return "right"  # labels of any kind
    if shape == "tiny" and door.startswith("fit"):
        return "right"  # `fit` computes in float32 what is no array of float64, and 1e-300 is 0 there
    assert isinstance(plain, list), f"taken, though as plain numbers: {plain!r}"
    for one, other in zip(found, plain, strict=True):
        tolerance = 2e-2 if dress in LOOSE else 1e-7
        np.testing.assert_allclose(np.asarray(one, float), np.asarray(other, float), rtol=tolerance, atol=tolerance)
    return "right"


def all_finite(arrays):
    return all(np.isfinite(np.asarray(one, dtype=np.float64)).all() for one in arrays)


OPTIONAL = [name for name in ("polars", "torch", "jax") if find_spec(name) is None]
HERE = sorted(name for name in DRESSES if name.split()[0] not in OPTIONAL)
"""What the installed libraries can make."""

CASES = st.sampled_from(sorted(DOORS)).flatmap(
    lambda door: st.tuples(
        st.just(door),
        st.sampled_from(sorted(DOORS[door][1])),
        st.one_of(st.just("as it is"), st.sampled_from(sorted(SHAPES))),
        st.sampled_from(HERE),
    )
)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(CASES)
def test_given_in_any_dress(case):
    assert judge(*case) in ("right", "refused")


if __name__ == "__main__":
    counts, wrong = Counter(), {}

    @settings(max_examples=int(sys.argv[1]), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(CASES)
    def every(case):
        try:
            counts[judge(*case)] += 1
        except Exception as error:
            counts["wrong"] += 1
            wrong[case] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"

    every()
    for case, fact in wrong.items():
        print(*case, fact, sep=" | ")
    print(dict(counts))
    sys.exit(bool(wrong))
