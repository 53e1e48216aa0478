"""What do they mean? Intent, sentiment and topics of a text, by a small local model."""
