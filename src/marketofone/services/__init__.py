"""What are the use cases? Read, call the pure rooms, write: one unit of work each."""
