"""Optimizers: what one is stands in `descent`, the rules beside it."""

from typing import Any

from regnet.mathematics.optimizers.adam import Adam, AdamW
from regnet.mathematics.optimizers.adaptive import Adagrad, RMSprop
from regnet.mathematics.optimizers.descent import Descent, Optimizer, Pool, Slots
from regnet.mathematics.optimizers.sgd import SGD

__all__ = ["OPTIMIZERS", "SGD", "Adagrad", "Adam", "AdamW", "Descent", "Optimizer", "Pool", "RMSprop", "Slots"]

OPTIMIZERS: tuple[type[Any], ...] = (SGD, Adagrad, RMSprop, Adam, AdamW)
"""Our own, as exact types: a subclass with another `descend` is another rule."""
