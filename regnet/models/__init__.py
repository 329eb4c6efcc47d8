"""Trained models as files of data: networks, estimators, searches and paths."""
