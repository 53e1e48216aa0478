"""What the model learns from: short texts written for this project, with their labels (``phrases.toml``)."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated

from msgspec import Meta, Struct

from marketofone.domain.document import read_toml
from marketofone.domain.fields import LongText, Share, Word
from marketofone.domain.reading import Emotion, Sentiment


class _Labels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    intents: tuple[Word, ...] = ()
    sentiment: Sentiment = "neutral"
    emotion: Emotion = "none"
    urgency: Share = 0.1
    topics: tuple[Word, ...] = ()


class Phrase(_Labels, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One labelled text, and what each of its intents needs, in plain words (empty: nothing).

    Without intents it is out of scope: an example of what to abstain from.
    """

    text: LongText
    needs: tuple[str, ...] = ()


class _Group(_Labels, frozen=True, kw_only=True, forbid_unknown_fields=True):
    texts: Annotated[tuple[LongText, ...], Meta(min_length=1)]


class _Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    needs: dict[Word, str] = {}
    group: tuple[_Group, ...]


def phrases_text() -> str:
    """Give the text of the phrases that come with the package. The only function here that reads a file."""
    return files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8")


def read_words() -> tuple[str, ...]:
    """Give the topics and needs that a text of a customer can be read as having, each once: pages say them."""
    document = read_toml(phrases_text(), of=_Document, name="phrases.toml")
    topics = (topic for group in document.group for topic in group.topics)
    needs = filter(None, document.needs.values())
    return tuple(sorted({*topics, *needs}))


def load_phrases(text: str) -> tuple[Phrase, ...]:
    r"""Read phrases from the text of a TOML document of groups that share their labels.

    Raises
    ------
    MalformedDocument
        Naming what breaks the contract.

    Example
    -------
    >>> load_phrases('[[group]]\nintents = ["card_lost"]\nurgency = 0.9\ntexts = ["my card is gone"]')[0].urgency
    0.9
    """
    document = read_toml(text, of=_Document, name="phrases.toml")
    return tuple(
        Phrase(
            text=text,
            needs=tuple(document.needs.get(intent, intent.replace("_", " ")) for intent in group.intents),
            **{name: getattr(group, name) for name in _Labels.__struct_fields__},
        )
        for group in document.group
        for text in group.texts
    )
