"""A backup: the data, consistent, and the documents in force. Keys and names stay where they are.

A backup is unreadable without the key store of today, and who was forgotten since opens in no backup of before.
"""

from __future__ import annotations

from pathlib import Path

from marketofone.domain.errors import StoreError
from marketofone.projection import codec
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.ports import BANK

DATA = "data"


def backup(context: AppContext, folder: Path) -> None:
    """Write a backup into a new folder.

    Raises
    ------
    StoreError
        When something lies there already, or the copy cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise StoreError("the folder of a backup must be new or empty")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    context.store.copy_to(str(folder / DATA))
    if context.keys.is_absent:
        return
    with context.store.read() as reader:
        bank = context.projection.bank(reader)
        for entry in reader.entries(BANK, after=bank.documents - 1, upto=bank.documents):
            for name, text in codec.read(entry, box=context.keys.bank).texts.items():
                (folder / name).write_text(text, encoding="utf-8")
