"""Benchmarks: each figure beside its yardstick, measured in the same run. ``make bench`` runs all of them."""
