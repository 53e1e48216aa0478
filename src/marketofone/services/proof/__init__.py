"""Prove it: replay, verify, checkpoints, backups."""
