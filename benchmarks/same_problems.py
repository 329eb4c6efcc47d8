"""The problems of `same_numbers`: every solver, penalty, loss, schedule and kind of search, each in a second or so."""

from __future__ import annotations

import numpy as np
from same_trainers import (
    Problem,
    classes,
    command,
    counts,
    estimate,
    friedman,
    iris,
    net,
    one_path,
    search,
    stability,
    values,
)

from regnet import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Constant,
    Cosine,
    EarlyStopping,
    Exponential,
    Huber,
    InverseTime,
    MLPClassifierCV,
    MLPRegressorCV,
    Normal,
    Penalty,
    RMSprop,
    StepDecay,
)

BOTH, THREE = ("numpy", "numba"), ("numpy", "numba", "torch")
ALL = (*THREE, "jax")

L2, BATCH = Penalty(weight_l2=1e-3), {"batch_size": 32, "epochs": 6, "log_every": 1}
SQUARES = {"loss": "squared_error", "widths": (6, 12, 2)}
RANGE = np.geomspace(1e-3, 0.1, 4)
SCHEDULES = {
    "constant": Constant(0.01), "inverse time, 5e-7": InverseTime(0.02, 5e-7), "inverse time": InverseTime(0.02, 0.1),
    "exponential": Exponential(0.02, 0.9, 5), "steps": StepDecay(0.02, 0.5, 7), "cosine": Cosine(0.02, 15, 0.1),
}  # fmt: skip

PROBLEMS: dict[str, Problem] = {
    # Optimizers.
    "adam": Problem(net(optimizer=Adam(0.01), penalties=L2), ALL),
    "adam, float64, batches": Problem(net(optimizer=Adam(0.01), penalties=L2, dtype="float64", **BATCH), ALL),
    "adam, epsilon_hat": Problem(net(optimizer=Adam(0.01, epsilon=1e-4, epsilon_hat=True), dtype="float64")),
    "adamw, batches": Problem(net(optimizer=AdamW(0.01, weight_decay=0.1), **BATCH), THREE),
    "sgd": Problem(net(optimizer=SGD(0.1), penalties=L2), ALL),
    "sgd, momentum": Problem(net(optimizer=SGD(0.03, momentum=0.9), **BATCH), THREE),
    "sgd, nesterov": Problem(net(optimizer=SGD(0.03, momentum=0.9, nesterov=True), dtype="float64"), THREE),
    "rmsprop": Problem(net(optimizer=RMSprop(0.01), penalties=L2), ALL),
    "adagrad, batches": Problem(net(optimizer=Adagrad(0.1), **BATCH), THREE),
    # Penalties.
    "L1": Problem(net(optimizer=Adam(0.01), penalties=Penalty(weight_l1=0.01)), ALL),
    "L1, sgd, batches": Problem(net(optimizer=SGD(0.03, momentum=0.9), penalties=Penalty(weight_l1=0.01), **BATCH)),
    "L1, subgradient": Problem(
        net(optimizer=Adam(0.01), penalties=Penalty(weight_l1=0.01, bias_l1=1e-3, l1_step="subgradient")), THREE
    ),
    "elastic net, float64": Problem(
        net(optimizer=AdamW(0.01), penalties=Penalty(weight_l1=0.01, weight_l2=0.01), dtype="float64"), BOTH
    ),
    "groups of inputs": Problem(net(optimizer=Adam(0.01), penalties=[Penalty(group_l1=0.02), L2]), ALL),
    "groups, elastic, batches": Problem(
        net(optimizer=Adam(0.01), penalties=Penalty(group_l1=0.01, weight_l1=0.003, weight_l2=0.01), **BATCH)
    ),
    "by layer, biases": Problem(
        net(
            widths=(6, 10, 8, 3), optimizer=Adam(0.01),
            penalties=[Penalty(weight_l2=0.01, bias_l2=0.02), None, Penalty(weight_l1=0.01, bias_l1=0.01)],
        ), THREE,
    ),
    "penalty factors": Problem(
        net(optimizer=Adam(0.01), penalties=[Penalty(group_l1=0.02, penalty_factor=[0, 1, 1, 2, 2, 9]), None])
    ),
    # Losses and layers.
    "binary": Problem(net("binary_crossentropy", (6, 12, 1), optimizer=Adam(0.01), penalties=L2), ALL),
    "squares": Problem(net(**SQUARES, optimizer=Adam(0.01), penalties=L2), THREE),
    "huber": Problem(net(Huber(0.3), (6, 12, 2), optimizer=Adam(0.01)), ALL),
    "absolute error": Problem(net("absolute_error", (6, 12, 2), optimizer=Adam(0.01), dtype="float64"), THREE),
    "poisson": Problem(net("poisson", (6, 12, 1), optimizer=Adam(0.01), **BATCH), ALL),
    **{
        name: Problem(net(activation=name, widths=(6, 9, 7, 3), optimizer=Adam(0.01), penalties=L2), on)
        for name, on in {"tanh": THREE, "sigmoid": BOTH, "leaky_relu": THREE, "identity": BOTH}.items()
    },
    "dropout, batches": Problem(net(optimizer=Adam(0.01), widths=(6, 16, 12, 3), dropout=0.3, **BATCH), ALL),
    "linear": Problem(net(widths=(6, 3), optimizer=SGD(0.1), initializer="glorot_uniform", penalties=L2), THREE),
    "2-512-3, tiles": Problem(
        net(widths=(2, 512, 3), rows=3000, optimizer=Adam(0.02), penalties=[L2, None], initializer=Normal(0.01)), THREE
    ),
    "784-512-10, float32": Problem(
        net(widths=(784, 512, 10), rows=256, optimizer=Adam(1e-3), penalties=L2, epochs=8, log_every=4), THREE
    ),
    # Schedules (the command's too): a loop that takes their factor elsewhere may round otherwise. A number in place of
    # `Constant`, which may go through another loop, changes the first of these by 2e-7 and the spiral by 4e-5.
    **{
        f"{name}, adam": Problem(net(optimizer=Adam(rate), penalties=L2), ALL if name == "cosine" else BOTH, 1e-5)
        for name, rate in SCHEDULES.items()
    },
    **{
        f"{name}, adamw, L1, float64": Problem(
            net(optimizer=AdamW(rate), penalties=Penalty(weight_l1=0.005), dtype="float64", **BATCH), rtol=1e-10
        )
        for name, rate in SCHEDULES.items()
    },
    "inverse time, sgd": Problem(net(optimizer=SGD(InverseTime(0.1, 0.1), momentum=0.9)), THREE, rtol=1e-5),
    "inverse time, stack": Problem(
        net(optimizer=Adam(InverseTime([0.01, 0.03], 0.1)), seed=[0, 1], **BATCH), THREE, rtol=1e-5
    ),
    # Fits that end, weigh rows, are many.
    "early stopping": Problem(
        net(optimizer=Adam(0.1), held_out=True, early_stopping=EarlyStopping(patience=2), epochs=60), THREE
    ),
    "weights of rows, batches": Problem(net(optimizer=Adam(0.01), weighted=True, held_out=True, **BATCH), ALL),
    "diverges": Problem(net(**SQUARES, optimizer=SGD(1e3), epochs=30), THREE),
    "stack": Problem(
        net(optimizer=Adam([0.01, 0.02, 0.03]), penalties=Penalty(weight_l1=[0.0, 1e-3, 0.05]), seed=[0, 1, 1]), ALL
    ),
    "stack, batches, one diverges": Problem(net(**SQUARES, optimizer=SGD([0.1, 1e3], momentum=0.5), **BATCH), THREE),
    "stack of tables, early stopping": Problem(
        net(**SQUARES, tables=3, optimizer=Adam(0.05), early_stopping=EarlyStopping(patience=2, min_delta=0.01))
    ),
    # Estimators.
    "MLPClassifier": Problem(estimate(classes()), ALL),
    "MLPClassifier, float32, alpha": Problem(estimate(classes(alpha=1.0, batch_size=40), dtype="float32", log_every=2)),
    "MLPClassifier, sgd, invscaling": Problem(
        estimate(classes(solver="sgd", learning_rate="invscaling", learning_rate_init=0.1, momentum=0.5)), THREE
    ),
    "MLPRegressor, sgd, adaptive": Problem(
        estimate(
            values(solver="sgd", learning_rate="adaptive", learning_rate_init=0.1, nesterovs_momentum=False, tol=0.01,
                   n_iter_no_change=2, max_iter=60), friedman,
        ),
    ),
    "MLPClassifier, early stopping": Problem(
        estimate(classes(early_stopping=True, n_iter_no_change=3, learning_rate_init=0.05, max_iter=60)), BOTH
    ),
    "MLPClassifier, lbfgs": Problem(estimate(classes(solver="lbfgs", alpha=0.1)), ALL),
    "MLPRegressor, lbfgs, several outputs": Problem(
        estimate(values(solver="lbfgs", activation="tanh"), friedman, target=lambda y: np.stack([y, y**2], axis=1))
    ),
    "MLPClassifier, fista, groups": Problem(
        estimate(classes(solver="fista", input_l1=0.02, weight_l2=[0, 0.01], max_iter=60)), ALL
    ),
    "MLPRegressor, fista, huber": Problem(
        estimate(values(loss="huber", solver="fista", weight_l1=0.01, hidden_layer_sizes=()), friedman, weighted=True)
    ),
    "MLPRegressor, fista, poisson, neurons": Problem(
        estimate(values(loss="poisson", solver="fista", neuron_l1=0.02, weight_l2=0.01), friedman, target=counts)
    ),
    "newton, classes": Problem(estimate(classes(solver="newton", hidden_layer_sizes=(), weight_l1=0.01)), THREE),
    "newton, groups, elastic": Problem(
        estimate(classes(solver="newton", hidden_layer_sizes=(), input_l1=0.01, weight_l2=1e-3), weighted=True)
    ),
    "newton, squares": Problem(
        estimate(values(solver="newton", hidden_layer_sizes=(), weight_l1=0.05, bias_l2=0.1), friedman, dtype="float32")
    ),
    "newton, poisson, factors": Problem(
        estimate(
            values(solver="newton", loss="poisson", hidden_layer_sizes=(), weight_l1=0.02, penalty_factor=range(10)),
            friedman, target=counts,
        )
    ),
    "class weights, dropout": Problem(
        estimate(classes(class_weight="balanced", dropout=0.2), target=lambda y: np.minimum(y, 1), weighted=True), THREE
    ),
    "several labels": Problem(estimate(classes(), target=lambda y: np.stack([y > 0, y > 1], axis=1).astype(int))),
    "partial_fit": Problem(estimate(classes(), calls=3, partial=True, classes=range(3)), THREE),
    "warm_start": Problem(estimate(values(warm_start=True, solver=RMSprop(0.01)), friedman, calls=2)),
    "compact": Problem(estimate(classes(solver=Adam(0.05), neuron_l1=0.05, input_l1=0.05, max_iter=60), compact=True)),
    "absolute error, held out": Problem(
        estimate(
            values(loss="absolute_error", early_stopping=EarlyStopping(patience=3), solver=Adam(0.05), max_iter=60),
            friedman, validation_data=friedman(60), log_every=2,
        )
    ),
    # Searches.
    "search, two passes": Problem(search(MLPRegressorCV, friedman, n_lambdas=6, max_iter=40), ALL),
    "search, linear": Problem(search(MLPClassifierCV, iris, hidden_layer_sizes=(), penalty="weight_l1", n_lambdas=8)),
    "search, alpha, cold, batches": Problem(
        search(MLPClassifierCV, iris, penalty="alpha", lambdas=RANGE, warm_start=False, batch_size=32, max_iter=5), ALL
    ),
    "search, relaxed, restarts": Problem(
        search(MLPRegressorCV, friedman, lambdas=RANGE, relax=True, restarts=2, max_iter=30, select="min")
    ),
    "search, neurons, elastic, weights": Problem(
        search(MLPClassifierCV, iris, weighted=True, penalty="neuron_l1", l1_ratio=0.5, lambdas=RANGE, max_iter=30,
               class_weight="balanced", scoring="accuracy", restarts=2), THREE,
    ),
    "search, ridge by fista, float32": Problem(
        search(MLPRegressorCV, friedman, penalty="weight_l2", hidden_layer_sizes=(), solver="fista", n_lambdas=5)
    ),
    "search, huber, sgd, dropout": Problem(
        search(MLPRegressorCV, friedman, loss=Huber(0.5), solver=SGD(0.05, momentum=0.9), dropout=0.1, max_iter=30,
               lambdas=RANGE, penalty="weight_l1")
    ),
    "search, schedule": Problem(
        search(MLPRegressorCV, friedman, solver=Adam(InverseTime(0.01, 0.01)), max_iter=30, lambdas=RANGE), rtol=1e-8
    ),
    "search, journal": Problem(
        search(MLPClassifierCV, iris, journal=True, lambdas=RANGE, max_iter=20, batch_size=40), ("numpy",)
    ),
    "search, more inputs than rows": Problem(
        search(MLPRegressorCV, lambda: friedman(60, 300), n_lambdas=6, max_iter=40)
    ),
    "path": Problem(
        one_path(values(learning_rate_init=3e-3, max_iter=40), friedman, n_lambdas=5, restarts=2), THREE
    ),
    "path, newton, strong to weak": Problem(
        one_path(classes(solver="newton", hidden_layer_sizes=()), iris, penalty="weight_l1", n_lambdas=6)
    ),
    "stability selection": Problem(stability, THREE),
    # The command line.
    "regnet fit spiral": Problem(command("fit", "spiral", "--epochs", "10", "--log-every", "5"), rtol=1e-3),
    "regnet fit diabetes, predict": Problem(
        command("fit", "diabetes", "--hidden", "16", "--input-l1", "0.02", "--epochs", "4", predict=True),
        ("numpy",), 1e-4,
    ),
    "regnet select diabetes": Problem(command("select", "diabetes", "--n-lambdas", "5", "--epochs", "20", "--cv", "3")),
}  # fmt: skip
