"""The command `regnet`."""
