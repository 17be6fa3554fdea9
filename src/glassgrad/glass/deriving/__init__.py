"""Deriving: the chain rule of a graph, written down and checked."""
