"""Forms that staff fill in about permission."""
