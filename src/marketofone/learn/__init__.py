"""What worked? Outcomes joined to decisions, values learned, impact measured."""
