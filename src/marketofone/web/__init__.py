"""Who knocks? The doors for programs and people."""
