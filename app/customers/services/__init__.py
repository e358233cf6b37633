"""Use cases of the customer base. They take a session and never commit."""
