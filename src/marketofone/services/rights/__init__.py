"""What a person and the board may ask for: consent, the past, the log of uses, erasure, rulings."""
