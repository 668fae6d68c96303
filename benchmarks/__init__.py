"""Figures beside peers, in one run. See benchmarks/RESULTS.md."""
