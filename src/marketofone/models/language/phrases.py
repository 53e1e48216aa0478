"""What the model learns from: short texts written for this project, with their labels (``phrases.toml``)."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import LongText, Share, Word
from marketofone.domain.reading import Emotion, Sentiment

# What a person who writes this wants, in plain words; no entry: the intent's own name. Empty: asks for nothing.
NEEDS = {
    "app_problem": "help with the app",
    "balance_question": "an overview of the account",
    "bereavement": "support after a death in the family",
    "card_blocked": "a card that works again",
    "card_lost": "a lost card blocked and replaced",
    "change_details": "details of the account changed",
    "child_coming": "a plan for a child",
    "close_account": "an account closed",
    "complaint": "an answer to a complaint",
    "crisis": "a person to talk to, now",
    "dispute_charge": "a payment looked into",
    "fee_question": "fees explained",
    "fraud_report": "protection from fraud",
    "job_loss": "a plan after losing a job",
    "loan_question": "advice on borrowing",
    "mortgage_question": "advice on a mortgage",
    "moving_home": "a plan for a move",
    "need_help_money": "help when money is short",
    "new_job": "a plan for a new income",
    "payment_failed": "a failed payment put right",
    "retirement_plans": "a plan for retirement",
    "savings_question": "advice on saving",
    "small_talk": "",
    "study_plans": "a plan for studies",
    "thanks": "",
    "transfer_status": "news of a transfer",
    "travel_plans": "help with a journey",
}


class _Labels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    intents: tuple[Word, ...] = ()
    sentiment: Sentiment = "neutral"
    emotion: Emotion = "none"
    urgency: Share = 0.1
    topics: tuple[Word, ...] = ()


class Phrase(_Labels, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One labelled text. Without intents it is out of scope: an example of what to abstain from."""

    text: LongText


class _Group(_Labels, frozen=True, kw_only=True, forbid_unknown_fields=True):
    texts: Annotated[tuple[LongText, ...], Meta(min_length=1)]


class _Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    group: tuple[_Group, ...]


def phrases_text() -> str:
    """Give the text of the phrases that come with the package. The only function here that reads a file."""
    return files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8")


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
    try:
        document = msgspec.toml.decode(text, type=_Document)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise MalformedDocument(
            field="phrases", shape=str(error), mend="compare with the phrases of the package"
        ) from error
    return tuple(
        Phrase(text=text, **{name: getattr(group, name) for name in _Labels.__struct_fields__})
        for group in document.group
        for text in group.texts
    )
