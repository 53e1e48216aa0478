"""The pages for the bank's staff."""
