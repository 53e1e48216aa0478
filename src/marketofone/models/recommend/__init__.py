"""What goes with this person? Products held together, and content that matches interests."""

from marketofone.models.recommend.affinity import Affinity, fit_affinity, from_bytes, revise, to_bytes
from marketofone.models.recommend.content import content_match

__all__ = ["Affinity", "content_match", "fit_affinity", "from_bytes", "revise", "to_bytes"]
