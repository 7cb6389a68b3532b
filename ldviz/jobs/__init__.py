"""Long work: progress, cancel, one at a time per model, in its own process."""
