"""The file that `--save` writes and `regnet predict` reads."""

from __future__ import annotations

from pathlib import Path

from regnet.networks import checkpoint
from regnet.networks.model import Model, in_own_units
from regnet.tables.split import Prepared
from regnet.tables.table import Table

__all__ = ["save_model"]


def save_model(path: Path, model: Model, table: Table, prepared: Prepared) -> None:
    """The network in the table's own units, with what `regnet predict` needs: names, classes and values of text."""
    checkpoint.save(
        path,
        in_own_units(model, prepared.affine),
        feature_names=list(table.feature_names),
        target_name=table.target_name,
        classes=prepared.classes,
        factors={name: list(values) for name, values in table.factors.items()},
    )
