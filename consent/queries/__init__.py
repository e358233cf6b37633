"""What others may ask about topics and permission; selects that they may join."""
