"""The embedded engine: one SQLite file in a folder, no server."""
