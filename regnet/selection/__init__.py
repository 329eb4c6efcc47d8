"""How strong a penalty should be: paths, cross-validation, stability."""

from regnet.selection.estimators import MLPClassifierCV, MLPRegressorCV
from regnet.selection.path import PathResult, path
from regnet.selection.stability import StabilityResult, stability_selection

__all__ = ["MLPClassifierCV", "MLPRegressorCV", "PathResult", "StabilityResult", "path", "stability_selection"]
