"""Formulas, each written once on the Array API: activations, losses, penalties, optimizers and their kin."""
