"""Statements in the formats of banks: each format one file, and what they share in ``statement.py``."""
