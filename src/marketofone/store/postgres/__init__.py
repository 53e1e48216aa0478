"""The server engine: one PostgreSQL database, any number of processes, locks for single customers."""
