"""L-BFGS against SciPy's."""

from __future__ import annotations

import numpy as np
from conftest import placement, to_numpy
from scipy.optimize import minimize, rosen, rosen_der

from regnet.solvers.lbfgs import lbfgs


def rosenbrock(place, count):
    """The Rosenbrock function of every row, computed on the host: the solver itself runs on the device."""

    def value_and_grad(points):
        host = to_numpy(place, points)
        return place.put(np.array([rosen(p) for p in host])), place.put(np.array([rosen_der(p) for p in host]))

    return value_and_grad


def test_lbfgs_takes_scipys_iterates(rng):
    place = placement("numpy")
    starts = rng.standard_normal((5, 4))
    found = lbfgs(rosenbrock(place, 5), starts, place, max_iter=500, gtol=1e-7, ftol=1e-15)
    for k, start in enumerate(starts):
        theirs = minimize(
            rosen, start, jac=rosen_der, method="L-BFGS-B", options={"gtol": 1e-7, "ftol": 1e-15, "maxiter": 500}
        )
        assert (found.iterations[k], found.evaluations[k]) == (theirs.nit, theirs.nfev)
        assert (found.status[k], found.messages[k]) == (theirs.status, theirs.message)
        np.testing.assert_allclose(found.point[k], theirs.x, atol=1e-7)


def test_lbfgs_in_a_stack_has_the_bits_of_a_lone_run(rng):
    place = placement("numpy")
    starts = rng.standard_normal((4, 6)) * np.array([[0.1], [1.0], [3.0], [0.0]])
    stack = lbfgs(rosenbrock(place, 4), starts, place, max_iter=60)
    assert len(set(stack.iterations)) > 1
    for k in range(4):
        alone = lbfgs(rosenbrock(place, 1), starts[k : k + 1], place, max_iter=60)
        assert (stack.point[k] == alone.point[0]).all()
        assert (stack.iterations[k], stack.evaluations[k]) == (alone.iterations[0], alone.evaluations[0])


def test_lbfgs_on_every_namespace(namespace, rng):
    starts = rng.standard_normal((3, 4))
    here, numpy = placement(namespace), placement("numpy")
    found = lbfgs(rosenbrock(here, 3), here.put(starts), here, max_iter=12)
    expected = lbfgs(rosenbrock(numpy, 3), starts, numpy, max_iter=12)
    np.testing.assert_allclose(to_numpy(here, found.point), expected.point, atol=1e-9)
    assert (found.status == 1).all()
    assert "ITERATIONS REACHED LIMIT" in found.messages[0]


def test_lbfgs_limits(rng):
    place, start = placement("numpy"), rng.standard_normal((1, 4))
    limited = lbfgs(rosenbrock(place, 1), start, place, max_iter=500, max_fun=10)
    assert (limited.status[0], limited.evaluations[0] <= 12) == (1, True)
    seen = []
    lbfgs(rosenbrock(place, 1), start, place, max_iter=500, callback=lambda i, v: seen.append(i) or i == 4)
    assert seen == [1, 2, 3, 4]
