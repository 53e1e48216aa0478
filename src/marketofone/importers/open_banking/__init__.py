"""What other banks answer: each specification one file, and what they share in ``payloads.py``."""
