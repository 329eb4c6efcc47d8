"""Many networks at once: strengths x folds x restarts, trained as stacks, in blocks, on one machine or several."""
