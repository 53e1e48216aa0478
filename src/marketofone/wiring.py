"""What is plugged in: the only place that knows which engine keeps the data."""

from __future__ import annotations

import tomllib
from hashlib import blake2b
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import msgspec

from marketofone.domain.errors import BankNotFound, MalformedDocument
from marketofone.domain.moment import Instant
from marketofone.models.language.model import LanguageModel
from marketofone.models.language.phrases import load_phrases, phrases_text
from marketofone.services.app_context import AppContext
from marketofone.services.bank_config import DIGEST, DOCUMENTS, digest_of, read_config, read_settings
from marketofone.store.embedded.store import EmbeddedStore
from marketofone.store.ports import Store, Writer

DATA = "data"
LANGUAGE_SEED = 0


def lay_out(folder: Path) -> list[str]:
    """Lay out a bank project from the templates; files that exist are left alone. Gives the names written."""
    folder.mkdir(parents=True, exist_ok=True)
    templates = files("marketofone") / "template"
    written = []
    for name in DOCUMENTS:
        target = folder / name
        if not target.exists():
            target.write_text((templates / name).read_text(encoding="utf-8"), encoding="utf-8")
            written.append(name)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text(f"{DATA}/\n", encoding="utf-8")
    return written


def plug_in(folder: Path, *, now: Instant) -> AppContext:
    """Open a bank project: read its documents, open its store, record the documents when they changed.

    Raises
    ------
    BankNotFound
        When the folder holds no bank project.
    """
    texts = _texts(folder)
    config = read_config(texts)
    data = folder / DATA
    data.mkdir(mode=0o700, exist_ok=True)
    store = EmbeddedStore(data)
    _record_documents(store, texts, now=now)
    return AppContext(store=store, config=config, language=_language(data))


def _texts(folder: Path) -> dict[str, str]:
    if not (folder / "bank.toml").is_file():
        raise BankNotFound(f"no bank.toml in {folder.name or folder}: lay a project out with `marketofone init`")
    texts = {}
    for name in DOCUMENTS:
        path = folder / name
        if not path.is_file():
            raise MalformedDocument(field=name, shape="missing", fix="run `marketofone init` to lay it out again")
        texts[name] = path.read_text(encoding="utf-8")
    return texts


def _record_documents(store: Store, texts: dict[str, str], *, now: Instant) -> None:
    with store.read() as reader:
        known = {name: reader.document(name) for name in DOCUMENTS}
    if known == texts:
        return
    before = known["bank.toml"]
    if before is not None and tomllib.loads(before).get("timezone") != read_settings(texts["bank.toml"]).timezone:
        raise MalformedDocument(
            field="timezone", shape="not the one this bank has counted its days in", fix="put the old one back"
        )

    def record(writer: Writer) -> None:
        writer.append("document", at=now, customer=None, body=msgspec.json.encode(texts))
        for name, text in {**texts, DIGEST: digest_of(texts)}.items():
            writer.put_document(name, text)

    store.commit(record)


def _language(data: Path) -> LanguageModel:
    # Fitting takes seconds and depends on nothing but the phrases, the seed and this version's code: done once.
    phrases = phrases_text()
    digest = blake2b(f"{version('marketofone')}\0{LANGUAGE_SEED}\0{phrases}".encode(), digest_size=8).hexdigest()
    path = data / f"language-{digest}.bin"
    if path.is_file():
        return LanguageModel.from_bytes(path.read_bytes())
    model = LanguageModel.fit(load_phrases(phrases), seed=LANGUAGE_SEED)
    half = path.with_suffix(".half")
    half.write_bytes(model.to_bytes())
    half.replace(path)  # in one step: another process never reads half a model
    return model
