"""What reports read."""
