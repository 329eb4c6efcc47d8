"""How strong a penalty should be: paths, cross-validation, stability, knockoffs."""

from regnet.selection.classifier import MLPClassifierCV
from regnet.selection.knockoff_result import KnockoffResult
from regnet.selection.knockoffs import knockoff_selection
from regnet.selection.path import path
from regnet.selection.path_result import PathResult
from regnet.selection.regressor import MLPRegressorCV
from regnet.selection.stability import stability_selection
from regnet.selection.stability_result import StabilityResult

__all__ = [
    "KnockoffResult",
    "MLPClassifierCV",
    "MLPRegressorCV",
    "PathResult",
    "StabilityResult",
    "knockoff_selection",
    "path",
    "stability_selection",
]
