"""What do we expect? Pure learn and predict; the families do not know each other."""
