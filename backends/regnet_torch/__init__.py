"""The PyTorch backend: eager kernels, autograd off (the backward pass is written out)."""

from regnet_torch.backend import TorchBackend

__all__ = ["TorchBackend"]
