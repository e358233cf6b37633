"""Use cases of tracking: storing, folding, crediting, rebuilding."""
