"""Use cases of permission. They take a session and never commit."""
