"""What is plugged in: the only place that knows which engine keeps the data."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cache, partial
from hashlib import blake2b
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from marketofone.domain.errors import BankNotFound, MalformedDocument, StoreError
from marketofone.domain.moment import Calendar, Instant, text_of
from marketofone.models.language.model import LanguageModel
from marketofone.models.language.phrases import load_phrases, phrases_text
from marketofone.projection import codec
from marketofone.projection.bank_config import (
    DOCUMENTS,
    EMBEDDED,
    BankConfig,
    KeySettings,
    Settings,
    read_config,
    read_settings,
    without_engine,
)
from marketofone.projection.counts import COUNTED
from marketofone.projection.live import Projection
from marketofone.projection.meanings import check_meanings
from marketofone.projection.purpose_reads import check_purposes
from marketofone.projection.records import DocumentRecord
from marketofone.projection.snapshot import Configs
from marketofone.projection.versions import VersionReader
from marketofone.projection.wording import check_wording
from marketofone.services.learning.debts import pay
from marketofone.services.learning.owing import learns_by
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.recount import count_once
from marketofone.services.runtime.renewal import Renewal
from marketofone.store.folders import flush, make_folder
from marketofone.store.keyfile import FILE as KEYSTORE
from marketofone.store.keystore import KEY_BYTES, KeyStore, Random
from marketofone.store.ports import BANK, Entry, Expectation, Store, Unit
from marketofone.store.sqlite.store import SqliteStore

DATA, KEYS = "data", "keys"
BANK_KEY = "bank.key"
COPIED = "format.json"  # in the copy of a database
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
        ignore.write_text(f"{DATA}/\n{KEYS}/\n", encoding="utf-8")
    return written


def stop_clock(folder: Path, at: Instant) -> None:
    """Write into ``bank.toml`` where the time of a bank stands that is synthetic, or whose data ended."""
    _set(folder, "clock", text_of(at), comment="where the time of this bank stands: its data go no further")


def run_clock(folder: Path) -> None:
    """Let the time of a bank go with the wall's, where it stood."""
    _write_without(folder / "bank.toml", "clock", [])


def count_in(folder: Path, currency: str) -> None:
    """Write into ``bank.toml`` in which currency a bank counts that holds no data yet."""
    _set(folder, "currency", currency, comment="of amounts in reasons and pages")


def _set(folder: Path, name: str, value: str, *, comment: str) -> None:
    _write_without(folder / "bank.toml", name, [f'{name} = "{value}"   # {comment}'])


def _write_without(path: Path, name: str, first: list[str]) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(f"{name} = ")]
    path.write_text("\n".join([*first, *lines]) + "\n", encoding="utf-8")


def clock_of(folder: Path) -> Instant | None:
    """Say where the time of a synthetic bank stands; None for every other bank."""
    settings = _settings_of(folder)
    if settings is None or settings.clock is None:
        return None
    return Calendar(settings.timezone).parse(settings.clock, field="clock")


def currency_of(folder: Path) -> str | None:
    """Say in which currency a bank counts; None where there is no bank."""
    settings = _settings_of(folder)
    return None if settings is None else settings.currency


def _settings_of(folder: Path) -> Settings | None:
    path = folder / "bank.toml"
    return read_settings(path.read_text(encoding="utf-8")) if path.is_file() else None


def plug_in(
    folder: Path,
    *,
    now: Instant,
    read_only: bool = False,
    random: Random = os.urandom,
    runs_command: bool = False,
) -> AppContext:
    """Open a bank project: read its documents, open its store, record the documents when they changed.

    Opened to read only, nothing is written, and of the folder's documents only ``bank.toml`` is read: what is in force
    stands in the bank's journal. A command that gives the bank's key is run only where ``runs_command`` says so: it may
    be somebody else's bank.

    Raises
    ------
    BankNotFound
        When the folder holds no bank project.
    """
    if read_only:
        return _plug_in_to_read(folder, now=now, runs_command=runs_command)
    texts = _texts(folder)
    settings = read_settings(texts["bank.toml"])
    texts["bank.toml"] = without_engine(texts["bank.toml"])
    config = read_config(texts)
    check_wording(config)
    check_purposes(config)
    data = folder / DATA
    make_folder(data)
    with ExitStack() as opened:
        store = _store(settings, data)
        opened.callback(store.close)
        keys = _keys_of(store, folder, settings.keys, random=random)
        opened.callback(keys.close)
        if not _language_file(data).is_file():
            _language(data)  # fitted once, when the bank is new; read when a text is first met
        context = _context(store, keys, language=partial(_language, data))
        context.reopen = partial(plug_in, folder.absolute(), now=now, runs_command=True)
        context.configs.keep(config)
        _follow_documents(context, texts, config=config, now=now)
        count_once(context, now=now)
        opened.pop_all()  # who closes the context closes them
    return context


def _plug_in_to_read(folder: Path, *, now: Instant, runs_command: bool) -> AppContext:
    path = folder / "bank.toml"
    if not path.is_file():
        raise BankNotFound(f"no bank.toml in {folder.name or folder}: lay a project out with `marketofone init`")
    settings = read_settings(path.read_text(encoding="utf-8"))
    store = _store(settings, folder / DATA, read_only=True)
    if (folder / KEYS / KEYSTORE).exists() and (runs_command or settings.keys.command is None):
        keys = KeyStore(folder / KEYS, bank_key=_bank_key(folder, settings.keys), read_only=True)
    else:
        keys = KeyStore.absent()
    context = _context(store, keys, language=partial(_language, folder / DATA, keep=False), reads_only=True)
    context.reopen = partial(plug_in, folder.absolute(), now=now, runs_command=runs_command)
    return context


def _store(settings: Settings, data: Path, *, read_only: bool = False) -> Store:
    copied = data / COPIED
    if settings.engine == EMBEDDED and copied.exists():
        raise StoreError(
            f"{DATA}/ is the copy of a PostgreSQL database: name an empty database as `engine` in bank.toml, and it is "
            "loaded when the bank is opened"
        )
    if settings.engine == EMBEDDED:
        return SqliteStore(data, read_only=read_only)
    try:
        from marketofone.store.postgres.store import PostgresStore  # noqa: PLC0415 - its driver is an extra
    except ImportError as error:
        raise StoreError(
            "`engine` in bank.toml names a PostgreSQL database, and its driver is missing: "
            "install it with `pip install 'marketofone[postgres]'`"
        ) from error
    if copied.exists() and not read_only:
        PostgresStore.load_from(str(data), address=settings.engine)
        copied.rename(data / f"loaded-{COPIED}")  # once: what comes later is in the database alone
    return PostgresStore(settings.engine, read_only=read_only)


def _keys_of(store: Store, folder: Path, settings: KeySettings, *, random: Random) -> KeyStore:
    """Open the keys of what a store holds; make them for a new bank.

    Raises
    ------
    StoreError
        When one is there without the other, or they do not belong together: then `engine`, or a folder, is another than
        it was.
    """
    with store.read() as reader:
        first = next(reader.entries(BANK, upto=1), None)
    if first is not None and not (folder / KEYS / KEYSTORE).exists():
        raise StoreError(
            f"the store holds a bank whose keys are not in {KEYS}/: bring them back, or name an empty database "
            "as `engine` in bank.toml"
        )
    keys = KeyStore(folder / KEYS, bank_key=_bank_key(folder, settings), random=random)
    try:
        _check_together(first, keys)
    except StoreError:
        keys.close()
        raise
    return keys


def _check_together(first: Entry | None, keys: KeyStore) -> None:
    if first is None and keys.subjects():
        raise StoreError(
            f"{KEYS}/ knows customers, and the store is empty: `engine` in bank.toml is another than it was, or the "
            "data are gone; put the engine back, or restore a backup of the data"
        )
    if first is not None and not _opens(first, keys):
        raise StoreError(
            f"what the store holds does not open with {KEYS}/: it is another bank's, or was altered; see whether "
            "`engine` in bank.toml names the right database"
        )


def _opens(first: Entry, keys: KeyStore) -> bool:
    try:
        codec.read(first, box=keys.bank)
    except StoreError:
        return False
    return True


def _context(
    store: Store, keys: KeyStore, *, language: Callable[[], LanguageModel], reads_only: bool = False
) -> AppContext:
    renewal = Renewal(store)
    return AppContext(
        store=store,
        keys=keys,
        read_language=language,
        projection=Projection(keys, renew=None if reads_only else renewal),
        configs=Configs(keys),
        versions=VersionReader(keys),
        renewal=renewal,
        reads_only=reads_only,
    )


def _bank_key(folder: Path, settings: KeySettings) -> bytes:
    """Read the key that wraps all others; make one for a bank that has none yet."""
    if settings.command is not None:
        return _key_in(_printed_by(settings.command), "what `command` under [keys] in bank.toml prints")
    path = folder / KEYS / BANK_KEY if settings.file is None else folder / settings.file
    if not path.exists() and not (folder / KEYS / KEYSTORE).exists():
        make_folder(path.parent)
        fresh = path.with_suffix(f".{os.getpid()}")
        write_key(fresh)
        with suppress(FileExistsError):  # another process was faster
            os.link(fresh, path)
        fresh.unlink()
        flush(path.parent)
    if not path.is_file():
        raise StoreError(f"{path.name} is missing: without the bank's key nothing can be read")
    return _key_in(path.read_bytes(), path.name)


def write_key(path: Path) -> bytes:
    """Write a new random key into a new file that only its owner may read; durable when this returns."""
    key = os.urandom(KEY_BYTES)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def _printed_by(command: str) -> bytes:
    try:
        words = shlex.split(command)
        done = subprocess.run(words, capture_output=True, check=False, timeout=60)  # noqa: S603 - the operator's own
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise StoreError(f"the command that gives the bank's key does not run: {type(error).__name__}") from error
    if done.returncode:
        raise StoreError(f"the command that gives the bank's key ended with {done.returncode}")
    return done.stdout


def _key_in(held: bytes, where: str) -> bytes:
    if len(held) == KEY_BYTES:
        return held
    with suppress(ValueError, UnicodeDecodeError):
        key = bytes.fromhex(held.decode().strip())
        if len(key) == KEY_BYTES:
            return key
    raise StoreError(f"{where} is no key: it must be {KEY_BYTES} bytes, or {2 * KEY_BYTES} hexadecimal digits")


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


def _follow_documents(context: AppContext, texts: dict[str, str], *, config: BankConfig, now: Instant) -> None:
    """Record documents, and where a yes of before is none to what learning is for now, learn again without it."""
    before = _record_documents(context, texts, config=config, now=now)
    if before is not None and learns_by(before.policy) != learns_by(config.policy):
        pay(context, now=now)


@repeated
def _record_documents(
    context: AppContext, texts: dict[str, str], *, config: BankConfig, now: Instant
) -> BankConfig | None:
    """Record documents that differ from those in force; gives these, where a bank has them and customers."""
    with context.store.read() as reader:
        head = reader.head(BANK)
        bank = context.projection.bank(reader)
        if bank.documents and bank.digests[bank.documents] == config.digest:
            return None
        before = context.configs.at(reader, bank) if bank.documents and reader.subjects(limit=1) else None
        if before is not None:
            check_meanings(config.policy, reader=reader, keys=context.keys)
    if before is not None:
        _refuse_other_units(before.settings, config.settings)
    record = DocumentRecord(context.actor, config.digest, texts)
    draft = codec.draft("document", record, subject=BANK, box=context.keys.bank, at=now)
    tallies = {} if bank.documents else {COUNTED: 1}  # a new bank counts from its first entry on
    expects = {BANK: Expectation(head.guard, head.n)}
    context.store.commit(Unit(now=now, expects=expects, drafts=[draft], tallies=tallies))
    return before


def _refuse_other_units(before: Settings, now: Settings) -> None:
    """Refuse a timezone or a currency other than the one in which what is known was counted."""
    if before.timezone != now.timezone:
        raise MalformedDocument(
            field="timezone", shape="not the one this bank has counted its days in", fix="put the old one back"
        )
    if before.currency != now.currency:
        raise MalformedDocument(
            field="currency", shape="not the one this bank has counted its money in", fix="put the old one back"
        )


def _language(data: Path, *, keep: bool = True) -> LanguageModel:
    # Fitting takes seconds and depends on nothing but the phrases, the seed and this version's code: done once for a
    # bank, and once in a process that makes several.
    path = _language_file(data)
    if path.is_file():
        return LanguageModel.from_bytes(path.read_bytes())
    model = _fitted_language()
    if not keep:
        return model
    half = path.with_suffix(".half")
    half.write_bytes(model.to_bytes())
    half.replace(path)  # in one step: another process never reads half a model
    return model


@cache
def _fitted_language() -> LanguageModel:
    return LanguageModel.fit(load_phrases(phrases_text()), seed=LANGUAGE_SEED)


def _language_file(data: Path) -> Path:
    named = f"{version('marketofone')}\0{LANGUAGE_SEED}\0{phrases_text()}"
    return data / f"language-{blake2b(named.encode(), digest_size=8).hexdigest()}.bin"
