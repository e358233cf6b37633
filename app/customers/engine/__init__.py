"""Long-lived work of the customer base."""
