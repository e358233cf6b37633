"""Use cases of segments and campaigns."""
