"""How strong a penalty should be: paths, cross-validation, stability."""

from regnet.selection.classifier import MLPClassifierCV
from regnet.selection.path import PathResult, path
from regnet.selection.regressor import MLPRegressorCV
from regnet.selection.stability import StabilityResult, stability_selection

__all__ = ["MLPClassifierCV", "MLPRegressorCV", "PathResult", "StabilityResult", "path", "stability_selection"]
