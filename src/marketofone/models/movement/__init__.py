"""What a payment is: its nature, its category and the name of the merchant, as a ``MovementReading``."""

from marketofone.models.movement.facts import Fact, OwnAccount, fact_of
from marketofone.models.movement.history import understand
from marketofone.models.movement.merchants import clean_name
from marketofone.models.movement.row import read_movement
from marketofone.models.movement.scopes import Scope, Understood, understand_scopes
from marketofone.models.movement.taxonomy import CATEGORIES, INCOME, NATURES, Meaning

__all__ = [
    "CATEGORIES",
    "INCOME",
    "NATURES",
    "Fact",
    "Meaning",
    "OwnAccount",
    "Scope",
    "Understood",
    "clean_name",
    "fact_of",
    "read_movement",
    "understand",
    "understand_scopes",
]
