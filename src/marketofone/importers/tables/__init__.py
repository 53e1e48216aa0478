"""Tables that people and programs export: text, spreadsheets, columns; and the mappings that read them."""
