"""`regnet study`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from regnet.backend.registry import get_backend
from regnet.commands import options, signals
from regnet.commands.options import check_choices, check_share, open_data, parse_numbers
from regnet.commands.outputs import check_outputs, check_picture, write_picture, write_text
from regnet.commands.recipe import OPTIMIZERS
from regnet.commands.report_folder import check_folder, write_folder
from regnet.commands.report_pages import page_of_study
from regnet.commands.study_report import print_beginning, print_study, print_trained, study_figures
from regnet.commands.study_run import HIDDEN_L1, HIDDEN_L2, QUICK, Asking, ask, run_study
from regnet.commands.terminal import say
from regnet.commands.wording import in_options
from regnet.mathematics.activations import ACTIVATIONS
from regnet.tables.asked import MISSING, Asked
from regnet.tables.target import TASKS

__all__ = ["study"]

REPORT = ("figures.json",)
"""Files of --report beside its page and its pictures."""


def study(
    data: Annotated[
        str, typer.Argument(help="spiral, digits, breast_cancer, diabetes, or a file (CSV, Parquet, Excel, NPY, ...)")
    ] = "spiral",
    target: options.TargetOption = None,
    task: options.TaskOption = None,
    columns: options.ColumnsOption = None,
    exclude: options.ExcludeOption = None,
    factor: options.FactorOption = None,
    missing: options.MissingOption = "error",
    weights: options.WeightsOption = None,
    fold: options.FoldOption = None,
    keep_row_numbers: options.RowNumbersOption = False,
    hidden: Annotated[str | None, typer.Option(help="widths of the hidden layers, such as 512 or 256,128")] = None,
    activation: options.ActivationOption = "relu",
    dropout: options.DropoutOption = 0.0,
    weight_l1: Annotated[
        str | None, typer.Option(help=f"of L1: one number, or one per layer; default: {HIDDEN_L1:g} on hidden layers")
    ] = None,
    weight_l2: Annotated[
        str | None, typer.Option(help=f"of L2: one number, or one per layer; default: {HIDDEN_L2:g} on hidden layers")
    ] = None,
    bias_l1: Annotated[str | None, typer.Option(help="of L1, likewise")] = None,
    bias_l2: Annotated[str | None, typer.Option(help="of L2, likewise")] = None,
    l1_step: options.L1StepOption = "proximal",
    optimizer: options.OptimizerOption = None,
    learning_rate: options.LearningRateOption = None,
    decay: options.DecayOption = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="of every training; default: those of regnet fit")] = None,
    batch_size: Annotated[int | None, typer.Option(min=0, help="rows a step; 0: all of them")] = None,
    test_size: Annotated[float | None, typer.Option(help="share of rows held out, 0.01 to 0.95")] = None,
    subset: Annotated[int, typer.Option(min=1, help="so many of the held-out rows are also measured alone")] = 300,
    seeds: Annotated[int | None, typer.Option(min=1, help="trainings of each penalty; default: 40")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help=f"{QUICK['seeds']} seeds, {QUICK['epochs']:,} epochs at most")
    ] = False,
    study_dir: Annotated[
        str | None, typer.Option(metavar="PATH", help="folder of a journal: a killed study goes on from it")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="write a picture here (PNG, SVG, PDF)")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
    report: options.ReportOption = None,
    signal: options.SignalOption = None,
) -> None:
    """Did the penalty help? Trains many networks without it, with L2, with L1 and with both, and compares them.

    "My held-out accuracy stays below the training accuracy: is my code wrong?" The answer is a sentence and a table:
    how far apart the two are over seeds, and how often they are the other way round. All networks of a seed begin
    alike, so that penalties are compared seed by seed. Ctrl-C, SIGTERM and --signal end it; the same command goes on
    where there is a --study-dir, and so does one with more --seeds.
    """
    check_outputs({"--plot": plot, "--json": json_file}, {"DATA": data})
    if plot is not None:
        check_picture("--plot", plot)
    if report is not None:
        check_folder(report, REPORT, ["study"], {"DATA": data, "--plot": plot, "--json": json_file})
    lost = "nothing was saved: --study-dir PATH keeps the seeds that have been trained"
    signals.on_end(lambda: lost if study_dir is None else signals.again(), signal)
    check_share("--test-size", test_size, 0.01)
    check_choices(
        ("--activation", activation, ACTIVATIONS),
        ("--optimizer", optimizer, OPTIMIZERS),
        ("--l1-step", l1_step, ("proximal", "subgradient")),
        ("--task", task, TASKS),
        ("--missing", missing, MISSING),
    )
    get_backend()  # an unusable one is said before anything else
    given = {
        "hidden": parse_numbers(int, "--hidden", hidden),
        "weight_l1": parse_numbers(float, "--weight-l1", weight_l1),
        "weight_l2": parse_numbers(float, "--weight-l2", weight_l2),
        "bias_l1": parse_numbers(float, "--bias-l1", bias_l1),
        "bias_l2": parse_numbers(float, "--bias-l2", bias_l2),
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "decay": decay,
        "epochs": epochs,
        "batch_size": batch_size,
        "test_size": test_size,
    }
    asked = Asked(
        target, task, columns, tuple(exclude or ()), factors=tuple(factor or ()), weight=weights, fold=fold,
        missing=missing, keep_row_numbers=keep_row_numbers,
    )  # fmt: skip
    with open_data(data, asked, 0) as opened:
        table = opened.held()
    asking: Asking = ask(data, table, given, quick=quick, activation=activation, dropout=dropout, l1_step=l1_step)
    started = time.perf_counter()
    with in_options(study):
        found = run_study(
            asking, n_seeds=seeds or (QUICK["seeds"] if quick else 40), subset=subset, study_dir=study_dir,
            begin=lambda networks, seconds: print_beginning(asking, networks, seconds),
            trained=None if Console().is_terminal else print_trained,
        )  # fmt: skip
    figures = json.dumps(study_figures(found, asking), indent=1) + "\n"
    if json_file is not None:
        write_text(json_file, figures)
    if report is not None:
        report.mkdir(exist_ok=True)
        write_text(report / "figures.json", figures)
        page = page_of_study(found, asking, time.perf_counter() - started)
        write_folder(report, page, {"study": found.plot()})
    if plot is not None:
        write_picture(plot, found.plot())
    print_study(found, Console())
    if report is not None:
        say(f"report: {report}/report.html")
