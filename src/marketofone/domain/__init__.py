"""The words of the system: values with their own validity, and the tree of errors."""
