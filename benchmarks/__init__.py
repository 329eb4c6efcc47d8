"""How fast regnet is beside what its users would use instead, and how far from what the machine can do.

`make bench`, or `python -m benchmarks --workload W1 --backend numpy --quick`.
"""
