"""One module a workload, each with its `WORKLOAD`."""
