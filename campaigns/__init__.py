"""Segments, campaigns, launch, the sending pump and its messages."""
