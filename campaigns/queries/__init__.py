"""What others may know of segments, campaigns and messages."""
