"""Pure statistics and the definitions of figures."""
