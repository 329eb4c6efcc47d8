"""The same training, written as each library's own users would write it.

Every peer has `advance(n)`, which takes n steps, and `params()`: weight, bias, weight, bias, ... as NumPy arrays.
"""
