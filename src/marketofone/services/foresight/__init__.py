"""What lies ahead of a person, and what their own money tells them."""
