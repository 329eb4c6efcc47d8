"""The NumPy backend: rows in tiles that stay in cache, tiles over threads."""

from regnet_numpy.backend import NumpyBackend

__all__ = ["NumpyBackend"]
