"""What now? Eligible, guarded, scored, chosen with a propensity, explained."""
