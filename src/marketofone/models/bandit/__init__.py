"""Which action is worth most to this person? Two hierarchical linear models, and the exact chance of every choice."""

from marketofone.models.bandit.arm import Arm
from marketofone.models.bandit.beliefs import Beliefs, OwnAnswers, Terms
from marketofone.models.bandit.context_table import ContextTable, Layout
from marketofone.models.bandit.distrust import Distrust
from marketofone.models.bandit.kernel import propensities, quantile
from marketofone.models.bandit.manner import HIERARCHICAL, MANNERS, Counts, Manner
from marketofone.models.bandit.policy import FAMILIES, EarlySigns, Learned, Outcome, Policy, State, States
from marketofone.models.bandit.predict import Scores
from marketofone.models.bandit.propensity import mix
from marketofone.models.bandit.shared import Shared
from marketofone.models.bandit.start import HEADS, Head, Start
from marketofone.models.bandit.surrogate import Reading, Stated

__all__ = [
    "FAMILIES",
    "HEADS",
    "HIERARCHICAL",
    "MANNERS",
    "Arm",
    "Beliefs",
    "ContextTable",
    "Counts",
    "Distrust",
    "EarlySigns",
    "Head",
    "Layout",
    "Learned",
    "Manner",
    "Outcome",
    "OwnAnswers",
    "Policy",
    "Reading",
    "Scores",
    "Shared",
    "Start",
    "State",
    "Stated",
    "States",
    "Terms",
    "mix",
    "propensities",
    "quantile",
]
