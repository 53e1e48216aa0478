"""What if, and how good? A synthetic bank with known truth, and honest scores beside peers; no product needs it."""
