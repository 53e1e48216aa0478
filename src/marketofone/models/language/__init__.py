"""What do they mean? Intent, sentiment and topics of a text, by a small local model."""

from marketofone.models.language.model import LanguageModel
from marketofone.models.language.phrases import Phrase, load_phrases, phrases_text
from marketofone.models.language.text import mask

__all__ = ["LanguageModel", "Phrase", "load_phrases", "mask", "phrases_text"]
