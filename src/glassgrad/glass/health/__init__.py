"""The health of a training: what is recorded of it, and the pictures of that."""
