# What `import regnet` offers, and where each name lives: read by type checkers, and when a name is used first.

from . import convert
from .backend.config import config_context, get_config
from .backend.protocol import Backend, BackendError, BackendInfo
from .backend.registry import backend_names, get_backend
from .estimators import MLPClassifier, MLPRegressor
from .mathematics.initializers import GlorotNormal, GlorotUniform, HeNormal, HeUniform, Normal
from .mathematics.losses import AbsoluteError, Gamma, Huber, Poisson, Quantile, Quantiles, SquaredError, Tweedie
from .mathematics.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from .mathematics.penalties import Penalty
from .mathematics.schedules import Constant, Cosine, Exponential, InverseTime, StepDecay
from .models.files import load, save
from .networks.container import ModelFileError
from .networks.layers import Dense, Dropout
from .networks.model import Model
from .networks.network import Network
from .reports import Report, report
from .selection import (
    KnockoffResult,
    MLPClassifierCV,
    MLPRegressorCV,
    PathResult,
    StabilityResult,
    knockoff_selection,
    path,
    stability_selection,
)
from .studies import StudyResult, study
from .tables import TableEncoder, datasets
from .training.checkpoint import CheckpointError, CheckpointWarning, CheckpointWriteError
from .training.divergence import DivergenceWarning
from .training.early_stopping import EarlyStopping
from .training.fit import FitResult, fit
from .training.history import History, Record
from .training.interruption import Interrupted, catch_signals

__version__: str

__all__ = [
    "SGD",
    "AbsoluteError",
    "Adagrad",
    "Adam",
    "AdamW",
    "Backend",
    "BackendError",
    "BackendInfo",
    "CheckpointError",
    "CheckpointWarning",
    "CheckpointWriteError",
    "Constant",
    "Cosine",
    "Dense",
    "DivergenceWarning",
    "Dropout",
    "EarlyStopping",
    "Exponential",
    "FitResult",
    "Gamma",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "History",
    "Huber",
    "Interrupted",
    "InverseTime",
    "KnockoffResult",
    "MLPClassifier",
    "MLPClassifierCV",
    "MLPRegressor",
    "MLPRegressorCV",
    "Model",
    "ModelFileError",
    "Network",
    "Normal",
    "PathResult",
    "Penalty",
    "Poisson",
    "Quantile",
    "Quantiles",
    "RMSprop",
    "Record",
    "Report",
    "SquaredError",
    "StabilityResult",
    "StepDecay",
    "StudyResult",
    "TableEncoder",
    "Tweedie",
    "backend_names",
    "catch_signals",
    "config_context",
    "convert",
    "datasets",
    "fit",
    "get_backend",
    "get_config",
    "knockoff_selection",
    "load",
    "path",
    "report",
    "save",
    "stability_selection",
    "study",
]
