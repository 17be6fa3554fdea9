"""Stepping through the backward pass."""
