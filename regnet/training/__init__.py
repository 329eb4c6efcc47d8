"""Training by steps: batches, the loop over epochs, its history, and `fit`."""
