"""What are the use cases? Read, call the pure rooms, write: one unit of work each.

``bank.py`` puts all of them behind one face. Below it they rest on each other in this order: ``rights``; ``proof`` and
``learning``; ``decisions``; ``foresight`` and ``intake``; and ``runtime``, which all of them are handed.
"""
