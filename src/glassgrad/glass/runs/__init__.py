"""A training's own folder, and the page that tells of it."""
