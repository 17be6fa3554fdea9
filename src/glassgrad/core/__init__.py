"""The engine: tensors, the graph, the walk back, dtypes, random numbers. It knows no operation."""
