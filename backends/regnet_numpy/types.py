"""Names for what the floors above hand over, which a backend cannot import: in signatures they say what is meant."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["Data", "Hyper", "Layout", "Network", "State", "Strengths"]

Network: TypeAlias = Any
"""`regnet.networks.network.Network`."""

Layout: TypeAlias = Any
"""`regnet.networks.layout.Layout`."""

Strengths: TypeAlias = Any
"""`regnet.networks.strengths.Strengths`."""

State: TypeAlias = Any
"""`regnet.training.step.State`."""

Data: TypeAlias = Any
"""`regnet.training.batches.Data`."""

Hyper: TypeAlias = Any
"""`regnet.training.step.Hyper`."""
