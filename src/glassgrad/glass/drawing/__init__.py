"""Drawing a graph: boxes, their layout, and the forms a picture takes."""
