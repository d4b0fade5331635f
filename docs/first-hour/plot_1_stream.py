"""
A stream
========

Text.
"""

print(1)
