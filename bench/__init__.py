"""Benchmarks: each figure beside its yardstick, measured in the same run. ``make bench`` runs all of them."""

import sys
from pathlib import Path

# A throw-away PostgreSQL is started by the same few lines that start one for tests.
sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
