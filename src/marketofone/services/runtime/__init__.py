"""What every use case is handed and works with: the context, runs and pools, the directory, uses, the right of way."""
