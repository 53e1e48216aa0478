"""What if? A synthetic bank with known truth, from one seed."""
