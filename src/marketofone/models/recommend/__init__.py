"""What fits? Item affinity by co-holding, and content match."""
