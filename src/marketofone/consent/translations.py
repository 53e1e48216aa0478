"""What people are asked about, in another language than the bank wrote it in: the same purposes, in other words."""

from __future__ import annotations

from msgspec import Struct

from marketofone.domain.event import Source
from marketofone.domain.fields import Text, Word


class PurposeTexts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The texts of a purpose."""

    title: Text
    notice: Text
    gives: Text


class SourceTexts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The texts of a source, and the words by which notices name it in this language."""

    title: Text
    notice: Text
    named: tuple[Text, ...] = ()


class ChannelTexts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The texts of a channel."""

    title: Text


class PolicyTexts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All texts of ``consent.toml`` in one language: ``[translations.de.purposes.marketing]`` and so on."""

    purposes: dict[Word, PurposeTexts] = {}
    sources: dict[Source, SourceTexts] = {}
    channels: dict[Word, ChannelTexts] = {}
