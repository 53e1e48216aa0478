"""The documentation, what writes its generated parts, and what runs its examples."""
