"""Data subjects' requests: filing them, carrying them out, closing and forgetting them."""
