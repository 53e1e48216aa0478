"""The pages for the bank's customers."""
