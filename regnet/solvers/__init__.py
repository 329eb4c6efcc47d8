"""Solvers that look at all rows at once and go on to the minimum."""
