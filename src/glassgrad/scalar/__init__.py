"""A scalar autograd engine in one file, with neurons, losses and optimizers: chapter one, standing alone."""

from glassgrad.scalar.anomaly import anomaly_report
from glassgrad.scalar.capture import capture
from glassgrad.scalar.engine import Value, semantics

__all__ = ["Value", "anomaly_report", "capture", "semantics"]
