"""How strong a penalty should be: paths, cross-validation, stability."""

from regnet.selection.classifier import MLPClassifierCV
from regnet.selection.path import path
from regnet.selection.path_result import PathResult
from regnet.selection.regressor import MLPRegressorCV
from regnet.selection.stability import StabilityResult, stability_selection

__all__ = ["MLPClassifierCV", "MLPRegressorCV", "PathResult", "StabilityResult", "path", "stability_selection"]
