"""How good is a forecast? Scores, tests that never show the future, and the peers everything is compared with."""
