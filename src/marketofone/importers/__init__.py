"""What was there before? Files of other systems become events.

``tables`` are read through mappings, ``statements`` are those of banks, ``open_banking`` is what other banks answer.
"""
