"""What goes with this person? Products held together, and content that matches interests."""

from marketofone.models.recommend.affinity import Affinity, fit_affinity, from_bytes, revise, to_bytes
from marketofone.models.recommend.content import content_match, content_matches
from marketofone.models.recommend.ease import Regularisation
from marketofone.models.recommend.former_affinity import FormerAffinity

__all__ = [
    "Affinity",
    "FormerAffinity",
    "Regularisation",
    "content_match",
    "content_matches",
    "fit_affinity",
    "from_bytes",
    "revise",
    "to_bytes",
]
