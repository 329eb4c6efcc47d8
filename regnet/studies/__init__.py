"""Did the penalty help? Trainings with it and without it, over many seeds, and intervals of what they differ by."""

from regnet.studies.paired import study
from regnet.studies.result import StudyResult

__all__ = ["StudyResult", "study"]
