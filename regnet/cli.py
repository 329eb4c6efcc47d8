"""The command `regnet`."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from sklearn.exceptions import ConvergenceWarning

from regnet import checkpoint, datasets, files
from regnet.activations import ACTIVATIONS
from regnet.backend import BackendError
from regnet.early_stopping import EarlyStopping
from regnet.recipe import OPTIMIZERS, prepare_table, recipe_for
from regnet.reports import json_figures, print_backends, record_line, save_plot

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train L1/L2-regularised dense networks. REGNET_BACKEND, REGNET_DEVICE and REGNET_DTYPE choose where.",
)


def _numbers(kind: type, name: str, text: str | None) -> tuple[Any, ...] | None:
    """A comma-separated option: numbers of one kind."""
    if text is None:
        return None
    try:
        return tuple(kind(part) for part in text.split(",") if part.strip()) if text.strip() else ()
    except ValueError:
        raise ValueError(f"{name} {text!r}: give numbers separated by commas, such as 256,128.") from None


def _check_writable(option: str, path: Path | None) -> None:
    """Find out before training that a file cannot be written after it."""
    if path is None:
        return
    folder = path.parent if str(path.parent) else Path()
    if not folder.is_dir():
        raise ValueError(f"{option} {str(path)!r}: there is no folder {str(folder)!r}.")
    if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise ValueError(f"{option} {str(path)!r} cannot be written.")


@app.command()
def fit(
    data: Annotated[
        str,
        typer.Argument(help="spiral, digits, breast_cancer, diabetes, or a CSV, Parquet, NPY or NPZ file"),
    ],
    target: Annotated[str | None, typer.Option(help="target column of a file; default: the last one")] = None,
    task: Annotated[str | None, typer.Option(help="classification or regression; default: by the target")] = None,
    hidden: Annotated[str | None, typer.Option(help="widths of the hidden layers, such as 512 or 256,128")] = None,
    activation: Annotated[str, typer.Option(help="relu, leaky_relu, tanh, sigmoid or identity")] = "relu",
    weight_l1: Annotated[str | None, typer.Option(help="strength: one number, or one per layer (1e-3,0)")] = None,
    weight_l2: Annotated[str | None, typer.Option(help="strength: one number, or one per layer")] = None,
    bias_l1: Annotated[str | None, typer.Option(help="strength: one number, or one per layer")] = None,
    bias_l2: Annotated[str | None, typer.Option(help="strength: one number, or one per layer")] = None,
    l1_step: Annotated[str, typer.Option(help="proximal (exact zeros) or subgradient")] = "proximal",
    optimizer: Annotated[str | None, typer.Option(help="sgd, adagrad, rmsprop, adam or adamw")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="of the first step")] = None,
    decay: Annotated[float | None, typer.Option(help="learning rate / (1 + decay * step)")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="passes over the training rows")] = None,
    batch_size: Annotated[int | None, typer.Option(min=0, help="rows a step; 0: all of them")] = None,
    patience: Annotated[int | None, typer.Option(min=1, help="stop after so many lines without improvement")] = None,
    log_every: Annotated[int | None, typer.Option(min=1, help="epochs between two lines")] = None,
    seed: Annotated[int, typer.Option(min=0, help="draws weights, batches and the split")] = 0,
    test_size: Annotated[float | None, typer.Option(min=0.0, max=0.95, help="share of rows held out; 0: none")] = None,
    save: Annotated[Path | None, typer.Option(help="write the trained model here (safetensors)")] = None,
    plot: Annotated[Path | None, typer.Option(help="write a picture here (PNG, SVG, PDF)")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
) -> None:
    """Train a network, print a line every so many epochs, and the held-out result.

    `regnet fit spiral` is the origin's workload. Other data: standardised inputs, He initial weights, Adam 1e-3,
    batches of a twentieth of the rows (8 to 200), 100 epochs.
    """
    for option, path in (("--save", save), ("--plot", plot), ("--json", json_file)):
        _check_writable(option, path)
    if plot is not None:
        _require_matplotlib()
    for option, value, allowed in (
        ("--activation", activation, tuple(ACTIVATIONS)),
        ("--optimizer", optimizer, tuple(OPTIMIZERS)),
        ("--l1-step", l1_step, ("proximal", "subgradient")),
        ("--task", task, ("classification", "regression")),
    ):
        if value is not None and value not in allowed:
            raise ValueError(f"{option} {value!r} is unknown: choose one of {', '.join(allowed)}.")
    built_in = data in datasets.NAMES
    if built_in and target is not None:
        raise ValueError(f"--target is for files; {data} has its own target.")
    table = datasets.load(data, seed=seed) if built_in else files.read_table(data, target, task=task)
    recipe = recipe_for(
        data,
        len(table.x),
        {
            "hidden": _numbers(int, "--hidden", hidden),
            "weight_l1": _numbers(float, "--weight-l1", weight_l1),
            "weight_l2": _numbers(float, "--weight-l2", weight_l2),
            "bias_l1": _numbers(float, "--bias-l1", bias_l1),
            "bias_l2": _numbers(float, "--bias-l2", bias_l2),
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "decay": decay,
            "epochs": epochs,
            "batch_size": batch_size,
            "test_size": test_size,
            "log_every": log_every,
        },
    )
    prepared = prepare_table(table, recipe, seed=seed, shuffled=data == "spiral")
    held_out = (prepared.x_test, prepared.y_test) if len(prepared.x_test) else None
    rows = len(prepared.x_train)
    estimator = recipe.estimator(
        table.task,
        rows,
        activation=activation,
        l1_step=l1_step,
        random_state=seed,
        early_stopping=False if patience is None else EarlyStopping(patience=patience),
    )
    classes = len(prepared.classes or ())
    widths = (prepared.x_train.shape[1], *recipe.hidden, classes if classes > 2 else 1)
    print(
        f"{data}: {table.task} of {table.target_name!r}, {rows} rows to train and {len(prepared.x_test)} held out, "
        f"network {'-'.join(str(width) for width in widths)}"
    )
    metric = "accuracy" if prepared.classes else "r2"
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs was asked for
        estimator.fit(
            prepared.x_train,
            prepared.y_train,
            validation_data=held_out,
            callbacks=[lambda record, model: print(record_line(record, metric))],
            log_every=recipe.log_every,
        )
    seconds, model, history = time.perf_counter() - started, estimator.model_, estimator.history_
    test = None if held_out is None else model.evaluate(*held_out)
    if test is not None:
        print(f"held out: {metric} {test[metric]:.4f}  data loss {test['loss']:.4f}")
    zeros = ", ".join(f"layer {layer}: {share:.1%}" for layer, share in history[-1].zeros.items())
    placement = model.placement
    print(f"weights at exactly zero: {zeros}")
    print(
        f"{estimator.n_iter_} epochs in {seconds:.1f} s on {placement.backend.name} "
        f"{placement.device} {placement.dtype}"
    )
    if save is not None:
        extra = {
            "feature_names": list(table.feature_names),
            "target_name": table.target_name,
            "classes": prepared.classes,
            **prepared.scaling,
        }
        checkpoint.save(save, model, **extra)
    if plot is not None:
        title = f"{data}: {metric} {history[-1].metric:.3f} on training rows" + (
            "" if test is None else f", {test[metric]:.3f} held out"
        )
        save_plot(plot, history, model, prepared, title, table.feature_names)
    if json_file is not None:
        figures = {
            "data": data,
            "seed": seed,
            **json_figures(estimator, seconds, test),
            "history": history.to_dicts(),
        }
        json_file.write_text(json.dumps(figures, indent=1) + "\n")


def _require_matplotlib() -> None:
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise ValueError("--plot needs matplotlib: pip install 'regnet-xp[plot]'.")


@app.command()
def predict(
    model: Annotated[str, typer.Argument(help="a file that regnet fit --save wrote")],
    data: Annotated[str, typer.Argument(help="CSV, Parquet, NPY or NPZ file with the same input columns")],
    output: Annotated[Path | None, typer.Option(help="write a CSV here instead of to standard output")] = None,
) -> None:
    """Predict: a CSV with one row per row of DATA; for classes also every class's probability."""
    _check_writable("--output", output)
    trained, extra = checkpoint.load(model)
    x = files.read_features(data, tuple(extra["feature_names"]))
    if "input_mean" in extra:
        x = ((x - extra["input_mean"]) / extra["input_scale"]).astype(x.dtype)
    values = trained.predict(x)
    if extra["classes"]:
        names = [extra["target_name"], *(f"p({name})" for name in extra["classes"])]
        if values.shape[-1] == 1:  # two classes have one output: the probability of the second
            values = np.concatenate([1 - values, values], axis=-1)
        best = values.argmax(axis=-1)
        rows = [[extra["classes"][k], *(f"{p:.6g}" for p in row)] for k, row in zip(best, values, strict=True)]
    else:
        if "target_mean" in extra:
            values = values * extra["target_scale"] + extra["target_mean"]
        names, rows = [extra["target_name"]], [[f"{value:.8g}"] for value in values[:, 0]]
    import csv

    with output.open("w", newline="") if output else open(sys.stdout.fileno(), "w", closefd=False, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)


@app.command()
def backends() -> None:
    """List every registered backend: version, devices, usable or why not, BLAS library, kernels and threads."""
    print_backends(Console())


def main() -> None:
    """Run the command; errors of the user's making are one sentence on standard error, and exit status 2."""
    warnings.showwarning = lambda message, *_, **__: print(f"regnet: warning: {message}", file=sys.stderr)
    try:
        app()
    except (BackendError, ValueError, TypeError, OSError) as error:
        print(f"regnet: error: {error}", file=sys.stderr)
        sys.exit(2)
