"""Benchmarks: ratios, measured in one interleaved run. Nothing is asserted; docs/performance.md tells the results."""
