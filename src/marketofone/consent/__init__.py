"""May we? Purposes, sources and channels, grants and withdrawals, and the gate that everything must pass."""
