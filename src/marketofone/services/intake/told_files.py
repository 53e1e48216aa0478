"""What a file told, for when it comes again and tells it otherwise: rows that no file tells any more are taken back.

A row without an id of its own is known by what it says. Where a file was misread (another account, currency or column
of text in its mapping, another order of dates), its rows are other ones once the mapping is mended. So what each file
told last is kept beside the journals, sealed under its customer's key: with the key it goes. When the same file comes
again, rows that it told then and does not tell now are taken back, but for those that another file told as well. A
mapping may be mended wrongly, too: a row that was taken back so, and is told after all, comes in again as a later
version.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from marketofone.audit.sealed_box import CannotOpen
from marketofone.domain.decoding import msgpack_decoder
from marketofone.domain.event import KINDS, MOVEMENTS, Event, key_of, removal_of_version
from marketofone.domain.moment import Instant
from marketofone.domain.money_events import Movement
from marketofone.projection.amendments import Removals, later_id
from marketofone.services.intake.corrections import kept_versions
from marketofone.services.intake.imports import Item, UntilBroken
from marketofone.services.intake.ingest import Incoming
from marketofone.services.intake.pendings import BALANCES
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.directory import event_number
from marketofone.store.keystore import Customer
from marketofone.store.ports import Reader

FOLDER = "told"
"""Where it is kept, under the data of a bank."""
_FOLLOWED = MOVEMENTS | BALANCES
_NONCE, _DIGEST_BYTES = 12, 16
_ABOUT = b"told file"
_Teller = tuple[str, str]  # producer and kind


class _TellerRows(Struct, frozen=True, array_like=True):
    """The ids of what a producer told of one kind, and of what was taken back because its file told it no more."""

    producer: str
    kind: str
    told: set[str]
    gone: set[str]


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgpack_decoder(list[_TellerRows]).decode


class ToldFile:
    """Follows the items of one file, and adds what takes back the rows that it told before and tells no more.

    ``count`` is how many those are. ``is_known`` says whether the file came before.

    Parameters
    ----------
    folder
        Where it is kept what files told.
    content
        A digest of the file, and of the table in it that is read.
    """

    def __init__(self, context: AppContext, *, folder: Path, content: bytes, customer: str, now: Instant) -> None:
        self.count = 0
        self._context, self._folder, self._name, self._now = context, folder, customer, now
        self._content = blake2b(context.keys.mark("file", content.hex()), digest_size=_DIGEST_BYTES).hexdigest()
        self._told: dict[_Teller, set[str]] = {}
        self._taken: dict[_Teller, set[str]] = {}
        self._before = self._read(self._place)

    @property
    def is_known(self) -> bool:
        """Whether it is known what the file told before."""
        return bool(self._before)

    def items(self, items: Iterable[Item[Incoming]]) -> Iterator[Item[Incoming]]:
        """Give the items of the file, and in the end what takes back what it told before."""
        walk = UntilBroken(items)
        gone = {(one.producer, one.kind): one.gone for one in self._before}
        for item in walk:
            event = getattr(item.incoming, "event", item.incoming)
            if isinstance(event, Event) and event.kind in _FOLLOWED:
                teller = event.producer, event.kind
                self._told.setdefault(teller, set()).add(event.id)
                if event is item.incoming and event.id in gone.get(teller, ()):
                    yield item._replace(incoming=self._again(event))
                    continue
            yield item
        for removal in self._removals():
            yield Item(None, removal, is_row=False)
        if walk.broken is not None:  # it broke off there before, too
            raise walk.broken

    def keep(self) -> None:
        """Keep what the file told, once it is in."""
        place = self._place
        if place is None:
            return
        before = {(one.producer, one.kind): one for one in self._before}
        rows = []
        for teller in sorted(before.keys() | self._told.keys()):
            told, was_gone = self._told.get(teller, set()), before[teller].gone if teller in before else set()
            gone = (was_gone | self._taken.get(teller, set())) - told
            rows.append(_TellerRows(*teller, told, gone))
        owner = self._owner
        if owner is not None:
            sealed = owner.box.seal(zlib.compress(_ENCODE(rows)), nonce=os.urandom(_NONCE), about=_ABOUT)
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh = place.with_suffix(".new")
            fresh.write_bytes(sealed)
            fresh.replace(place)

    @property
    def _owner(self) -> Customer | None:
        return self._context.keys.find((self._name,)).get(self._name)

    @property
    def _place(self) -> Path | None:
        owner = self._owner
        return None if owner is None else self._folder / f"{owner.subject}-{self._content}"

    def _read(self, place: Path | None) -> list[_TellerRows]:
        """Read what a file told; nothing where that was not kept, or cannot be opened any more."""
        owner = self._owner
        if owner is not None and place is not None and place.is_file():
            with suppress(CannotOpen, msgspec.DecodeError, zlib.error):
                return _DECODE(zlib.decompress(owner.box.open(place.read_bytes(), about=_ABOUT)))
        return []

    def _again(self, event: Event) -> Event:
        """Give an event that was taken back as a later version of itself."""
        owner = self._owner
        if owner is None:
            return event
        with self._context.store.read() as reader:
            versions = kept_versions(reader, owner, producer=event.producer, id=event.id)
            if not self._is_gone(event.producer, versions[-1], kind=event.kind, removed=self._removed(reader, owner)):
                return event
        data = replace(event.data, replaces=versions[-1]) if isinstance(event.data, Movement) else event.data
        return replace(event, id=later_id(event.id, len(versions) + 1), data=data)

    def _removals(self) -> list[Event]:
        """Give what takes back, in its last version, each row that the file told before and no file tells now."""
        owner = self._owner
        left = [
            (one.producer, one.kind, ids)
            for one in self._before
            if (ids := one.told - self._told.get((one.producer, one.kind), set()))
        ]
        if owner is None or not left:
            return []
        elsewhere = self._told_elsewhere(owner)
        found: list[Event] = []
        with self._context.store.read() as reader:
            removed = self._removed(reader, owner)
            for producer, kind, ids in left:
                taken = self._taken.setdefault((producer, kind), set())
                for id in sorted(ids - elsewhere.get((producer, kind), set())):  # noqa: A001 - the word of CloudEvents
                    last = kept_versions(reader, owner, producer=producer, id=id)[-1]
                    number = event_number(key_of(producer, last), subject=owner.subject)
                    is_kept = (owner.subject, number) in reader.known([(owner.subject, number)])
                    if is_kept and not self._is_gone(producer, last, kind=kind, removed=removed):
                        taken.add(id)
                        found.append(removal_of_version(producer, kind, last, customer=self._name, at=self._now))
        self.count = len(found)
        return found

    def _told_elsewhere(self, owner: Customer) -> dict[_Teller, set[str]]:
        """Give what other files of the customer told last."""
        told: dict[_Teller, set[str]] = {}
        for place in self._folder.glob(f"{owner.subject}-*"):
            for one in () if place == self._place else self._read(place):
                told.setdefault((one.producer, one.kind), set()).update(one.told)
        return told

    def _removed(self, reader: Reader, owner: Customer) -> Removals:
        person = self._context.snapshot(reader).person(self._name)
        return person.states[owner.subject].removed_keys

    def _is_gone(self, producer: str, id: str, *, kind: str, removed: Removals) -> bool:  # noqa: A002 - as above
        return key_of(producer, id) in removed.get(KINDS[kind][1], ())
