"""Can we prove it? Hash-chained entries without personal data in clear, and their verification."""
