"""The CuPy backend: NumPy's interface on NVIDIA GPUs."""

from regnet_cupy.backend import CupyBackend

__all__ = ["CupyBackend"]
