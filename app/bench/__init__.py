"""Figures for `make bench`, each with a reference measured in the same run."""
