"""What tracking reads."""
