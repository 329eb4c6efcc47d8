"""Networks as frozen descriptions, their forward and backward passes, strengths, rows, trained models and files."""
