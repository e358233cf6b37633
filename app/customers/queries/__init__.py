"""What the customer base can be asked."""
