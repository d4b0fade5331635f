"""Assignments to arrays, written out: numba would compile their error messages, 2 s for a kernel that has one."""

from __future__ import annotations

from ._compile import inner


@inner
def put(values, row):
    """row <- values, of one length."""
    for i in range(row.shape[0]):
        row[i] = values[i]


@inner
def approach(mean, values, share):
    """mean <- mean + share (values - mean), matrices of one shape."""
    for i in range(mean.shape[0]):
        for j in range(mean.shape[1]):
            mean[i, j] += share * (values[i, j] - mean[i, j])


@inner
def squared(x):
    """|x|^2 of a row."""
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i] * x[i]
    return total


@inner
def largeness(A):
    """Sum of |a_ij|."""
    total = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            total += abs(A[i, j])
    return total
