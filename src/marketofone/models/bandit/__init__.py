"""Which action would this person accept? Bayesian linear Thompson sampling, with the exact chance of every choice."""

from marketofone.models.bandit.arm import Arm, from_bytes, prior_arm, to_bytes, update
from marketofone.models.bandit.predict import Arms, predict, stack
from marketofone.models.bandit.propensity import mix, propensities

__all__ = ["Arm", "Arms", "from_bytes", "mix", "predict", "prior_arm", "propensities", "stack", "to_bytes", "update"]
