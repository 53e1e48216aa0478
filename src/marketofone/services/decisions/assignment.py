"""Who is in which group, and decided for by which version: by lots that nobody can choose or foresee."""

from __future__ import annotations

import hmac
from hashlib import sha256

from marketofone.decide.fixed_order import fixed_order
from marketofone.domain.decision import Assignment
from marketofone.models.bandit.arm import FloatArray
from marketofone.projection.bank_config import BankConfig, Settings
from marketofone.projection.bank_state import BankState
from marketofone.projection.person import Person
from marketofone.projection.snapshot import Snapshot
from marketofone.projection.versions import PolicySnapshot
from marketofone.services.runtime import often
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.ports import Reader

_SHARES = 2**64


def policy_for(context: AppContext, reader: Reader, snapshot: Snapshot, person: Person) -> PolicySnapshot:
    """Give the version that decides for a person, laid out for the documents in force.

    The decision names the version, so a replay asks for no lot.
    """
    often.decided()
    number = version_for(snapshot.bank, person, secret=context.keys.secret)
    return context.versions.policy(reader, snapshot.bank, number, config=snapshot.config)


def version_for(bank: BankState, person: Person, *, secret: bytes) -> int:
    """Name the version that decides for a person: for as long as a trial lasts the same, whatever is learned anew."""
    trial = bank.trial
    if trial is None or not is_drawn(secret, b"trial", min(person.states), trial.began, share=trial.share):
        return bank.decides
    return trial.version


def group_of(person: Person, *, settings: Settings, secret: bytes) -> Assignment:
    """Give the group of a person: drawn by the declared shares, in their order, until the first decision keeps it."""
    if person.assignment is not None:
        return person.assignment
    upto = 0.0
    for group, share in settings.shares.items():
        upto += share
        if group != "policy" and is_drawn(secret, b"control", min(person.states), 0, share=upto):
            return group
    return "policy"


def order_of(group: Assignment, *, config: BankConfig, policy: PolicySnapshot) -> FloatArray | None:
    """Give the fixed order that decides in a group; None where the policy or the lot does."""
    return fixed_order(group, actions=config.compiled.offered, ranking=policy.ranking)


def is_drawn(secret: bytes, domain: bytes, subject: int, count: int, *, share: float) -> bool:
    """Say whether a lot falls into a share."""
    return int.from_bytes(drawn(secret, domain, subject, count)[:8], "big") < share * _SHARES


def drawn(secret: bytes, domain: bytes, subject: int, count: int) -> bytes:
    """Draw what no caller can choose or foresee: a secret of the bank, who it is about, and a number."""
    return hmac.digest(secret, domain + b"\0" + subject.to_bytes(8, "big") + count.to_bytes(8, "big"), sha256)
