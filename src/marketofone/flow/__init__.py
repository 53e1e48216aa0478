"""What are the journeys? Read, call the pure rooms, write: one unit of work each."""
