"""Choose a penalty in ten minutes
===============================

x
"""

print(1)
