"""Which action is worth most to this person? Two hierarchical linear models, and the exact chance of every choice."""

from marketofone.models.bandit.arm import Arm, from_bytes, to_bytes
from marketofone.models.bandit.beliefs import HEADS, Beliefs, Head, OwnAnswers, Scores, Start, Terms
from marketofone.models.bandit.normal import quantile
from marketofone.models.bandit.propensity import mix, propensities
from marketofone.models.bandit.shared import Shared
from marketofone.models.bandit.shared import from_bytes as shared_from_bytes
from marketofone.models.bandit.shared import to_bytes as shared_to_bytes

__all__ = [
    "HEADS",
    "Arm",
    "Beliefs",
    "Head",
    "OwnAnswers",
    "Scores",
    "Shared",
    "Start",
    "Terms",
    "from_bytes",
    "mix",
    "propensities",
    "quantile",
    "shared_from_bytes",
    "shared_to_bytes",
    "to_bytes",
]
