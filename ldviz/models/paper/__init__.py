"""The small models of arXiv:2511.20592, whose checkpoints are plain state dicts."""
