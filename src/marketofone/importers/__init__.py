"""What was there before? Files of other systems become events."""
