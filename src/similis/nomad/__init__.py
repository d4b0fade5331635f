"""Clusters and manifolds by a nonnegative semidefinite program, with a certificate."""
