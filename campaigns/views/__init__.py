"""Pages of segments and campaigns."""
