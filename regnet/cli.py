"""The command `regnet`."""

from __future__ import annotations

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from regnet import checkpoint, files
from regnet.activations import ACTIVATIONS
from regnet.backend import BackendError
from regnet.early_stopping import EarlyStopping
from regnet.options import check_choices, check_picture, check_writable, load_data, parse_numbers
from regnet.recipe import OPTIMIZERS, recipe_for
from regnet.registry import get_backend
from regnet.reports import json_figures, print_backends, save_plot
from regnet.runs import save_run, train
from regnet.select_command import select

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train L1/L2-regularised dense networks. REGNET_BACKEND, REGNET_DEVICE and REGNET_DTYPE choose where.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"regnet {version('regnet-xp')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Options of the command itself."""


@app.command()
def fit(
    data: Annotated[
        str,
        typer.Argument(help="spiral, digits, breast_cancer, diabetes, or a CSV, Parquet, NPY or NPZ file"),
    ],
    target: Annotated[str | None, typer.Option(help="target column of a file; default: the last one")] = None,
    task: Annotated[str | None, typer.Option(help="classification or regression; default: by the target")] = None,
    keep_row_numbers: Annotated[
        bool, typer.Option("--keep-row-numbers", help="an input that counts rows stays")
    ] = False,
    hidden: Annotated[str | None, typer.Option(help="widths of the hidden layers, such as 512 or 256,128")] = None,
    activation: Annotated[str, typer.Option(help="relu, leaky_relu, tanh, sigmoid or identity")] = "relu",
    dropout: Annotated[float, typer.Option(min=0.0, max=0.99, help="share of hidden outputs dropped")] = 0.0,
    weight_l1: Annotated[str | None, typer.Option(help="strength: one number, or one per layer (1e-3,0)")] = None,
    weight_l2: Annotated[str | None, typer.Option(help="strength: one number, or one per layer")] = None,
    bias_l1: Annotated[str | None, typer.Option(help="strength: one number, or one per layer")] = None,
    bias_l2: Annotated[str | None, typer.Option(help="strength: one number, or one per layer")] = None,
    input_l1: Annotated[float | None, typer.Option(help="group lasso on inputs: used or not")] = None,
    neuron_l1: Annotated[str | None, typer.Option(help="group lasso on neurons; one, or one per hidden layer")] = None,
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
        check_writable(option, path)
    if plot is not None:
        check_picture("--plot", plot)
    check_choices(
        ("--activation", activation, ACTIVATIONS),
        ("--optimizer", optimizer, OPTIMIZERS),
        ("--l1-step", l1_step, ("proximal", "subgradient")),
        ("--task", task, ("classification", "regression")),
    )
    get_backend()  # an unusable one is said before anything else
    table = load_data(data, target, task, seed, keep_row_numbers=keep_row_numbers)
    recipe = recipe_for(
        data,
        len(table.x),
        {
            "hidden": parse_numbers(int, "--hidden", hidden),
            "weight_l1": parse_numbers(float, "--weight-l1", weight_l1),
            "weight_l2": parse_numbers(float, "--weight-l2", weight_l2),
            "bias_l1": parse_numbers(float, "--bias-l1", bias_l1),
            "bias_l2": parse_numbers(float, "--bias-l2", bias_l2),
            "input_l1": None if input_l1 is None else (input_l1,),
            "neuron_l1": parse_numbers(float, "--neuron-l1", neuron_l1),
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "decay": decay,
            "epochs": epochs,
            "batch_size": batch_size,
            "test_size": test_size,
            "log_every": log_every,
        },
    )
    run = train(
        data,
        table,
        recipe,
        seed=seed,
        activation=activation,
        dropout=dropout,
        l1_step=l1_step,
        early_stopping=False if patience is None else EarlyStopping(patience=patience),
    )
    if save is not None:
        save_run(save, run)
    if plot is not None:
        save_plot(plot, run)
    if json_file is not None:
        json_file.write_text(json.dumps(json_figures(run), indent=1) + "\n")


@app.command()
def predict(
    model: Annotated[str, typer.Argument(help="a file that regnet fit --save wrote")],
    data: Annotated[str, typer.Argument(help="CSV, Parquet, NPY or NPZ file with the same input columns")],
    output: Annotated[Path | None, typer.Option(help="write a CSV here instead of to standard output")] = None,
) -> None:
    """Predict: a CSV with one row per row of DATA; for classes also every class's probability."""
    check_writable("--output", output)
    trained, extra = checkpoint.load(model)
    if not {"feature_names", "target_name", "classes"} <= extra.keys():
        raise ValueError(
            f"{model!r} was saved without the names that a table needs: regnet.save(path, model, feature_names=[...], "
            "target_name=..., classes=[...] or None) writes them."
        )
    classes = [] if extra["classes"] is None else list(extra["classes"])
    x, notes = files.read_features(data, tuple(extra["feature_names"]))
    for note in notes:
        print(f"regnet: note: {note}", file=sys.stderr)
    if "input_mean" in extra:
        x = (x - extra["input_mean"]) / extra["input_scale"]
    values = np.asarray(trained.predict(x), dtype=np.float64)
    if classes:
        names = [extra["target_name"], *(f"p({name})" for name in classes)]
        if values.shape[-1] == 1:  # two classes have one output: the probability of the second
            values = np.concatenate([1 - values, values], axis=-1)
        best = values.argmax(axis=-1)
        rows = [[classes[k], *(f"{p:.6g}" for p in row)] for k, row in zip(best, values, strict=True)]
    else:
        if "target_mean" in extra:
            values = values * extra["target_scale"] + extra["target_mean"]
        names, rows = [extra["target_name"]], [[repr(value)] for value in values[:, 0].tolist()]
    import csv

    with output.open("w", newline="") if output else open(sys.stdout.fileno(), "w", closefd=False, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)


app.command()(select)


@app.command()
def backends() -> None:
    """List every registered backend: version, devices, usable or why not, BLAS library, kernels and threads."""
    print_backends(Console())


def main() -> None:
    """Run the command; errors of the user's making are one sentence on standard error, and exit status 2."""
    warnings.showwarning = lambda message, *_, **__: print(f"regnet: warning: {message}", file=sys.stderr)
    try:
        app()
    except (BackendError, ValueError, TypeError, OSError, MemoryError) as error:
        print(f"regnet: error: {error}", file=sys.stderr)
        sys.exit(2)
