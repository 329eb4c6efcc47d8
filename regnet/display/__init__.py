"""What a user sees while something runs and after it. Imports nothing of regnet."""
