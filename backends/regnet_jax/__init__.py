"""The JAX backend: the whole loop over steps compiled by XLA."""

from regnet_jax.backend import JaxBackend

__all__ = ["JaxBackend"]
