"""`regnet select`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from regnet.backend.registry import get_backend
from regnet.commands import options, signals
from regnet.commands.inputs import inputs_of, left_out, parse_factors, read_groups
from regnet.commands.options import check_choices, check_share, open_data, parse_numbers
from regnet.commands.outputs import check_outputs, write_text
from regnet.commands.report_folder import check_folder, write_folder
from regnet.commands.report_pages import page_of_selection
from regnet.commands.saving import told_saved
from regnet.commands.select_report import print_beginning, print_selection, save_selection, selection_figures
from regnet.commands.select_run import choose_strength, folds_of
from regnet.commands.terminal import say
from regnet.commands.wording import in_options
from regnet.mathematics.activations import ACTIVATIONS
from regnet.selection.choice import RULES
from regnet.sweep.path_penalty import PENALTIES
from regnet.tables.asked import MISSING, Asked
from regnet.tables.target import TASKS

__all__ = ["select"]

REPORT = ("selection.json", "model.safetensors")
"""Files of --report beside its page and its pictures."""

KEPT = 2**24
"""Predictions of held-out rows up to which a report shows them: rows times strengths."""


def select(
    data: Annotated[
        str, typer.Argument(help="digits, breast_cancer, diabetes, or a file (CSV, Parquet, Excel, NPY, ...)")
    ],
    target: options.TargetOption = None,
    task: options.TaskOption = None,
    columns: options.ColumnsOption = None,
    exclude: options.ExcludeOption = None,
    factor: options.FactorOption = None,
    missing: options.MissingOption = "error",
    weights: options.WeightsOption = None,
    fold: options.FoldOption = None,
    keep_row_numbers: options.RowNumbersOption = False,
    penalty: Annotated[str, typer.Option(help="input_l1, neuron_l1, weight_l1, weight_l2 or alpha")] = "input_l1",
    group: options.GroupOption = None,
    groups: options.GroupsOption = None,
    penalty_factor: options.PenaltyFactorOption = None,
    keep: options.KeepOption = None,
    separate_levels: options.SeparateOption = False,
    l1_ratio: Annotated[float, typer.Option(min=0.01, max=1.0, help="below 1: the rest is an L2")] = 1.0,
    hidden: Annotated[str, typer.Option(help="widths of the hidden layers, such as 16 or 64,32; '' is linear")] = "16",
    activation: options.ActivationOption = "relu",
    cv: Annotated[int, typer.Option(min=2, help="folds")] = 5,
    restarts: Annotated[int, typer.Option(min=1, help="networks from different first weights")] = 1,
    rule: Annotated[str, typer.Option(help="1se, paired or min: the rule that chooses (docs/selection.md)")] = "1se",
    n_lambdas: Annotated[int, typer.Option(min=1, help="strengths of the automatic range")] = 50,
    lambdas: Annotated[str | None, typer.Option(help="the strengths themselves (1e-3,1e-2,1e-1)")] = None,
    adaptive: Annotated[bool | None, typer.Option(help="a second path, weighted by the first one")] = None,
    relax: Annotated[bool, typer.Option(help="refit every selection without the penalty")] = False,
    gamma: Annotated[str | None, typer.Option(help="refit with shares of it; the scores choose (0,0.5,1)")] = None,
    scoring: Annotated[str | None, typer.Option(help="a scorer of scikit-learn; default: r2 or neg_log_loss")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="at each strength; default: 200 steps")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="rows a step; default: all up to 2048")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="of Adam; default 3e-3")] = None,
    seed: Annotated[int, typer.Option(min=0, help="draws weights, folds and the split")] = 0,
    test_size: Annotated[float, typer.Option(help="share of rows held out of the sweep, to 0.95")] = 0.0,
    report: options.ReportOption = None,
    save: Annotated[Path | None, typer.Option(help="write the chosen model here (safetensors)")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
    jobs: Annotated[int, typer.Option(help="processes; -1: as many as processors")] = 1,
    sweep_dir: Annotated[
        str | None, typer.Option(metavar="PATH", help="folder of a journal: a killed run goes on from it")
    ] = None,
    signal: options.SignalOption = None,
) -> None:
    """Choose the strength of a penalty by cross-validation, and say which inputs are left.

    The table shows the held-out score at every strength, with its standard error over folds. --report makes a folder
    with report.html, which has everything to read, with pictures, figures and the chosen model. Ctrl-C, SIGTERM and
    --signal end it; the same command goes on where there is a --sweep-dir.
    """
    check_outputs({"--save": save, "--json": json_file}, {"DATA": data, "--groups": groups})
    if report is not None:
        check_folder(report, REPORT, ["path", "norms"], {"DATA": data, "--save": save, "--json": json_file})
    lost = "nothing was saved: --sweep-dir PATH keeps what has been trained"
    signals.on_end(lambda: lost if sweep_dir is None else signals.again(), signal)
    check_share("--test-size", test_size)
    check_choices(
        ("--penalty", penalty, PENALTIES),
        ("--rule", rule, RULES),
        ("--activation", activation, ACTIVATIONS),
        ("--task", task, TASKS),
        ("--missing", missing, MISSING),
    )
    if jobs == 0:
        raise ValueError("--jobs 0: give the number of processes, or -1 for as many as there are processors.")
    get_backend()  # an unusable one is said before anything else
    settings: dict[str, Any] = {
        "hidden_layer_sizes": parse_numbers(int, "--hidden", hidden) or (),
        "activation": activation,
        "penalty": penalty,
        "l1_ratio": l1_ratio,
        "restarts": restarts,
        "select": rule,
        "n_lambdas": n_lambdas,
        "lambdas": parse_numbers(float, "--lambdas", lambdas),
        "adaptive": "auto" if adaptive is None else adaptive,
        "relax": relax or gamma is not None,
        "gamma": 0.0 if gamma is None else parse_numbers(float, "--gamma", gamma),
        "scoring": scoring,
        "max_iter": epochs,
        "batch_size": batch_size or "auto",
        "learning_rate_init": learning_rate,
        "n_jobs": jobs,
        "sweep_dir": sweep_dir,
    }
    factors = parse_factors(penalty_factor or (), keep or ())
    asked = Asked(
        target, task, columns, tuple(exclude or ()), tuple(left_out(factors)), tuple(factor or ()), weights, fold,
        missing, keep_row_numbers,
    )  # fmt: skip
    listed = [*(group or ()), *read_groups(groups)]
    with open_data(data, asked, seed) as opened:
        inputs = inputs_of(opened, listed, factors, separate=separate_levels, together=penalty == "input_l1")
        inputs = inputs._replace(table=inputs.table.held())
    settings["keep_predictions"] = report is not None and len(inputs.table.y) * n_lambdas < KEPT
    with in_options(select):
        found = choose_strength(
            data, inputs, folds=cv, test_size=test_size, seed=seed,
            begin=lambda split: print_beginning(data, inputs, split, folds_of(inputs.table, cv)), **settings,
        )  # fmt: skip
    figures = json.dumps(selection_figures(found), indent=1) + "\n"
    if save is not None:  # first, so that a terminal that is gone loses nothing
        save_selection(save, found)
    if json_file is not None:
        write_text(json_file, figures)
    if report is not None:
        report.mkdir(exist_ok=True)
        save_selection(report / "model.safetensors", found)
        write_text(report / "selection.json", figures)
        pictures = {"path": found.fitted.plot_path(), "norms": found.fitted.plot_norms()}
        write_folder(report, page_of_selection(found), pictures)
    print_selection(found, Console())
    if save is not None:
        say(told_saved(save))
    if report is not None:
        say(f"report: {report}/report.html")
