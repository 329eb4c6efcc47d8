"""`regnet fit`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from regnet.backend.registry import get_backend
from regnet.commands import options, signals
from regnet.commands.fit_report import Lines, curves_figure, json_figures, print_summary, save_run
from regnet.commands.fit_run import train
from regnet.commands.inputs import inputs_of, left_out, parse_factors, read_groups
from regnet.commands.options import check_choices, check_share, open_data, parse_numbers
from regnet.commands.outputs import check_outputs, check_picture, write_picture, write_text
from regnet.commands.recipe import OPTIMIZERS, recipe_for
from regnet.commands.report_folder import check_folder, write_folder
from regnet.commands.report_pages import page_of_run
from regnet.commands.saving import told_saved
from regnet.commands.terminal import say
from regnet.commands.wording import in_options
from regnet.mathematics.activations import ACTIVATIONS
from regnet.tables.asked import MISSING, Asked
from regnet.tables.split import prepare_table
from regnet.tables.target import TASKS
from regnet.training.early_stopping import EarlyStopping

__all__ = ["fit"]

REPORT = ("figures.json", "model.safetensors")
"""Files of --report beside its page and its pictures."""


def fit(
    data: Annotated[
        str,
        typer.Argument(help="spiral, digits, breast_cancer, diabetes, or a file (CSV, Parquet, Excel, NPY, ...)"),
    ],
    target: options.TargetOption = None,
    task: options.TaskOption = None,
    columns: options.ColumnsOption = None,
    exclude: options.ExcludeOption = None,
    factor: options.FactorOption = None,
    missing: options.MissingOption = "error",
    weights: options.WeightsOption = None,
    keep_row_numbers: options.RowNumbersOption = False,
    hidden: Annotated[
        str | None, typer.Option(help="widths of the hidden layers, such as 256,128; default: 512")
    ] = None,
    activation: options.ActivationOption = "relu",
    dropout: options.DropoutOption = 0.0,
    weight_l1: Annotated[str | None, typer.Option(help="strength: one number, or one per layer (1e-3,0)")] = None,
    weight_l2: Annotated[str | None, typer.Option(help="strength: one number, or one per layer")] = None,
    bias_l1: Annotated[str | None, typer.Option(help="strength: one number, or one per layer")] = None,
    bias_l2: Annotated[str | None, typer.Option(help="strength: one number, or one per layer")] = None,
    input_l1: Annotated[float | None, typer.Option(help="group lasso on inputs: used or not")] = None,
    group: options.GroupOption = None,
    groups: options.GroupsOption = None,
    penalty_factor: options.PenaltyFactorOption = None,
    keep: options.KeepOption = None,
    separate_levels: options.SeparateOption = False,
    neuron_l1: Annotated[str | None, typer.Option(help="group lasso on neurons; one, or one per hidden layer")] = None,
    l1_step: options.L1StepOption = "proximal",
    optimizer: options.OptimizerOption = None,
    learning_rate: options.LearningRateOption = None,
    decay: options.DecayOption = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="passes over the training rows")] = None,
    batch_size: Annotated[int | None, typer.Option(min=0, help="rows a step; 0: all of them")] = None,
    patience: Annotated[int | None, typer.Option(min=1, help="stop after so many lines without improvement")] = None,
    log_every: Annotated[int | None, typer.Option(min=1, help="epochs between two lines")] = None,
    seed: Annotated[int, typer.Option(min=0, help="draws weights, batches and the split")] = 0,
    test_size: Annotated[float | None, typer.Option(help="share of rows held out, to 0.95; 0: none")] = None,
    save: Annotated[Path | None, typer.Option(help="write the trained model here (safetensors)")] = None,
    plot: Annotated[Path | None, typer.Option(help="write a picture here (PNG, SVG, PDF)")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
    report: options.ReportOption = None,
    checkpoint: Annotated[Path | None, typer.Option(help="keep the training here while it runs")] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(min=1, help="epochs between two writings of it; default: 30 seconds")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on from --checkpoint, with the same bits")] = False,
    signal: options.SignalOption = None,
) -> None:
    """Train a network, print a line every so many epochs, and the held-out result.

    `regnet fit spiral` is the origin's workload. Other data: standardised inputs, He initial weights, Adam 1e-3,
    batches of a twentieth of the rows (8 to 200), 100 epochs. Ctrl-C, SIGTERM and --signal end it after the step in
    progress, with its checkpoint written, if there is one, and the command that goes on.
    """
    check_outputs(
        {"--save": save, "--plot": plot, "--json": json_file, "--checkpoint": checkpoint},
        {"DATA": data, "--groups": groups},
    )
    _prepare_end(checkpoint, checkpoint_every, resume=resume, signal=signal)
    if plot is not None:
        check_picture("--plot", plot)
    if report is not None:
        read = {"DATA": data, "--groups": groups, "--save": save, "--plot": plot, "--json": json_file}
        check_folder(report, REPORT, ["training"], read)
    check_share("--test-size", test_size)
    check_choices(
        ("--activation", activation, ACTIVATIONS),
        ("--optimizer", optimizer, OPTIMIZERS),
        ("--l1-step", l1_step, ("proximal", "subgradient")),
        ("--task", task, TASKS),
        ("--missing", missing, MISSING),
    )
    get_backend()  # an unusable one is said before anything else
    factors = parse_factors(penalty_factor or (), keep or ())
    asked = Asked(
        target, task, columns, tuple(exclude or ()), tuple(left_out(factors)), tuple(factor or ()), weights,
        missing=missing, keep_row_numbers=keep_row_numbers,
    )  # fmt: skip
    listed = [*(group or ()), *read_groups(groups)]
    with open_data(data, asked, seed) as table:
        inputs = inputs_of(table, listed, factors, separate=separate_levels, together=bool(input_l1))
        recipe = recipe_for(
            data,
            len(table.y),
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
        prepared = prepare_table(
            inputs.table,
            test_size=recipe.test_size,
            seed=seed,
            scale_inputs=recipe.standardize,
            scale_target=recipe.standardize and table.task == "regression",
        )
    with in_options(fit):
        run = train(
            data,
            inputs,
            prepared,
            recipe,
            seed=seed,
            listeners=[Lines(data, inputs.table, recipe)],
            activation=activation,
            dropout=dropout,
            l1_step=l1_step,
            early_stopping=False if patience is None else EarlyStopping(patience=patience),
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
        )
    if save is not None:  # first, so that a terminal that is gone loses nothing
        save_run(save, run)
    if plot is not None:
        write_picture(plot, curves_figure(run))
    figures = json.dumps(json_figures(run), indent=1) + "\n"
    if json_file is not None:
        write_text(json_file, figures)
    if report is not None:
        report.mkdir(exist_ok=True)
        save_run(report / "model.safetensors", run)
        write_text(report / "figures.json", figures)
        write_folder(report, page_of_run(run), {"training": curves_figure(run)})
    print_summary(run)
    if save is not None:
        say(told_saved(save))
    if report is not None:
        say(f"report: {report}/report.html")
    if run.unwritten is not None:
        raise run.unwritten


def _prepare_end(checkpoint: Path | None, every: int | None, *, resume: bool, signal: str | None) -> None:
    """Check the options of a checkpoint; a signal that ends the command says how to go on. Raises ValueError."""
    if checkpoint is None:
        for option, given in (("--resume", resume), ("--checkpoint-every", every is not None)):
            if given:
                raise ValueError(f"{option} is of a checkpoint: add --checkpoint PATH.")
        signals.on_end(lambda: "nothing was saved: --checkpoint PATH keeps what has been trained", signal)
        return
    if checkpoint.exists() and not resume:
        raise ValueError(f"--checkpoint {str(checkpoint)!r} exists: add --resume to go on from it, or delete it.")
    if resume and not checkpoint.exists():
        say(f"note: there is no {str(checkpoint)!r} to go on from: the training begins")
    signals.on_end(lambda: signals.resuming(checkpoint), signal)
