"""What purposes meant in their earlier versions: the bank's journal holds every notice that was ever in force."""

from __future__ import annotations

from collections.abc import Iterator

from marketofone.consent.meaning import check_meaning
from marketofone.consent.policy import ConsentPolicy, Purpose, parse_policy
from marketofone.domain.languages import Language
from marketofone.projection import codec
from marketofone.store.keystore import KeyStore
from marketofone.store.ports import BANK, Reader


def earlier_policies(reader: Reader, keys: KeyStore) -> Iterator[ConsentPolicy]:
    """Give what people were asked about under each version of the documents, the newest first."""
    for entry in reader.entries(BANK, kinds=("document",), newest_first=True):
        yield parse_policy(codec.read(entry, box=keys.bank).texts["consent.toml"])


def check_meanings(policy: ConsentPolicy, *, reader: Reader, keys: KeyStore) -> None:
    """Check that each purpose means what it meant when its version was in force last, whenever that was.

    Raises
    ------
    MalformedDocument
        When one means more, or says something else and nothing marks that as not material.
    """
    waiting = {name for name, spec in policy.purposes.items() if spec.basis == "consent"}
    for before in earlier_policies(reader, keys):
        for name in sorted(waiting):
            shown = before.purposes.get(name)
            if shown is not None and shown.version == policy.purposes[name].version:
                check_meaning(name, before=before, after=policy)
                waiting.discard(name)
        if not waiting:
            return


def shown_before(
    purpose: str, version: int, *, reader: Reader, keys: KeyStore, language: Language = "en"
) -> Purpose | None:
    """Give a purpose as people last saw it in an earlier version, in a language if it was there in that one.

    It is None where the purpose never was in that version.
    """
    each = (before.said_in(language).purposes.get(purpose) for before in earlier_policies(reader, keys))
    return next((shown for shown in each if shown is not None and shown.version == version), None)
