"""Ways to scikit-learn's own estimators, from them, and from a device to the host."""
