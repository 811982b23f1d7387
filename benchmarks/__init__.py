"""Benchmarks of accuracy, time and memory, with other packages for comparison."""
