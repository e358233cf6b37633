"""What lives between requests: counts on their way to the database."""
