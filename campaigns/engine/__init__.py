"""The sending pump: claims, journals, the loop, and what puts things right after a crash."""
