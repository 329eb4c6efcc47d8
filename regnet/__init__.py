"""L1/L2-regularised dense networks, written once against the Array API standard.

>>> from regnet import Dense, Network, Penalty, fit, datasets
>>> X, y = datasets.spiral(samples=200, seed=0)
>>> network = Network.mlp([2, 16, 3], loss="categorical_crossentropy")
>>> result = fit(network, X, y, penalties=Penalty(weight_l1=1e-3), epochs=20, progress=False)
>>> len(result.history), result.model.predict(X).shape
(21, (600, 3))
"""

from regnet.display import begun as _begun  # noqa: F401 (first of all: for signals while the others are imported)

# isort: split
from regnet.backend.config import config_context, get_config
from regnet.backend.protocol import Backend, BackendError, BackendInfo
from regnet.backend.registry import backend_names, get_backend
from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.mathematics.initializers import GlorotNormal, GlorotUniform, HeNormal, HeUniform, Normal
from regnet.mathematics.losses import AbsoluteError, Gamma, Huber, Poisson, Quantile, Quantiles, SquaredError, Tweedie
from regnet.mathematics.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from regnet.mathematics.penalties import Penalty
from regnet.mathematics.schedules import Constant, Cosine, Exponential, InverseTime, StepDecay
from regnet.models.files import load, save
from regnet.networks.container import ModelFileError
from regnet.networks.layers import Dense, Dropout
from regnet.networks.model import Model
from regnet.networks.network import Network
from regnet.selection import (
    KnockoffResult,
    MLPClassifierCV,
    MLPRegressorCV,
    PathResult,
    StabilityResult,
    knockoff_selection,
    path,
    stability_selection,
)
from regnet.studies import StudyResult, study
from regnet.tables import TableEncoder, datasets
from regnet.training.checkpoint import CheckpointError, CheckpointWarning, CheckpointWriteError
from regnet.training.divergence import DivergenceWarning
from regnet.training.early_stopping import EarlyStopping
from regnet.training.fit import FitResult, fit
from regnet.training.history import History, Record
from regnet.training.interruption import Interrupted, catch_signals

__version__ = "0.1.0"

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
    "SquaredError",
    "StabilityResult",
    "StepDecay",
    "StudyResult",
    "TableEncoder",
    "Tweedie",
    "backend_names",
    "catch_signals",
    "config_context",
    "datasets",
    "fit",
    "get_backend",
    "get_config",
    "knockoff_selection",
    "load",
    "path",
    "save",
    "stability_selection",
    "study",
]
