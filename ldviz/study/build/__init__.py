"""Long work that makes a study: train the two models, then analyse them."""
