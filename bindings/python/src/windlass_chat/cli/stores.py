"""`inspect`, `shred`, `backup`, `restore`, `copy`: what is done to the file."""

from __future__ import annotations

import argparse
import os
import re
from contextlib import closing

from windlass_chat._native import WindlassError
from windlass_chat._paths import is_database
from windlass_chat._questions import inspection
from windlass_chat.cli.asking import bot_that_has, fetch
from windlass_chat.cli.output import Output
from windlass_chat.cli.secrets import key_to_tell, open_store, store_key
from windlass_chat.cli.wrong import WrongUsage
from windlass_chat.client import Client
from windlass_chat.store import EncryptedStore


def inspect(given: argparse.Namespace, out: Output) -> None:
    """Says what is in a store, and nothing of what it says."""
    bot = bot_that_has(given.path, out)
    if bot is not None:
        data = bot("inspect")
    else:
        with closing(open_store(given)) as store:
            data = inspection(store.inspect(), store.rollback_noticed())
    lines = [
        f"schema version   {data['schema_version']}",
        f"epoch            {data['epoch']}",
        f"opened by        {data['opened_by']}",
        f"to be shredded   {data['dirty_buckets']} buckets",
        f"size             {data['file_bytes']} bytes",
    ]
    if data["slots_in_database"]:
        lines.append("The key slots are in the database: what was deleted is gone when its logs, replicas and backups of before are.")
    if data["slots_in_vault"]:
        lines.append("The key slots are sealed by a key in Vault, whose former versions are gone.")
    if data["rollback_noticed"]:
        lines.append("This is an older copy of the store; what is missing will be asked for.")
    rows = data["rows"]
    assert isinstance(rows, dict)
    lines += [f"  {count:>8}  {table}" for table, count in rows.items() if count]
    out.result(data, lines)


def shred(given: argparse.Namespace, out: Output) -> None:
    """Erases what was deleted."""
    bot = bot_that_has(given.path, out)
    if bot is not None:
        data = bot("shred")
    else:
        with closing(open_store(given)) as store:
            report = store.shred()
        data = {"buckets": report.buckets, "rows": report.rows}
    out.result(data, f"{data['buckets']} buckets shredded, {data['rows']} rows sealed anew")


def backup(given: argparse.Namespace, out: Output) -> None:
    """Writes a backup."""
    progress = out.progress("backup ")
    bot = bot_that_has(given.path, out, progress)
    records: object
    if bot is not None:
        if os.path.lexists(given.file):
            # Before the bot has worked for nothing.
            raise WindlassError.FileExists(f"there is something at {given.file} already")
        written = bot("backup", file=given.file, **key_to_tell(given, prefix="backup_", whose="backup", new=True))
        fetch(given.path, str(written["file"]), given.file)
        records = written["records"]
        out.end_progress()
    else:
        with closing(open_store(given)) as store:
            key = store_key(given, prefix="backup_", whose="backup", new=True)
            records = store.export_backup(given.file, key, progress)
    out.result({"file": given.file, "records": records}, f"{records} records in {given.file}")


def restore(given: argparse.Namespace, out: Output) -> None:
    """Makes a store from a backup."""
    backup_key = store_key(given, prefix="backup_", whose="backup")
    key = store_key(given, whose="new store", new=True)
    store = EncryptedStore.import_backup(given.file, backup_key, given.path, key, out.progress("restore"))
    with Client.open(store) as client:
        data: dict[str, object] = {
            "path": given.path,
            "address": client.address(),
            "device_id": client.device_id(),
            "contacts": len(client.contacts()),
        }
    out.result(data, f"{data['address']}")
    out.note(f"Contacts: {data['contacts']}. The old store must not run again: this is a new device.")


def copy(given: argparse.Namespace, out: Output) -> None:
    """Carries a store to another place."""
    source, target = _place(given.source), _place(given.target)
    if not is_database(source) and not os.path.lexists(source):
        raise WindlassError.StoreNotFound(f"there is no store {source}")
    with closing(EncryptedStore.copy(source, target, store_key(given), out.progress("copy   "))) as store:
        rows = sum(of.rows for of in store.inspect().tables)
    data: dict[str, object] = {"source": shown_place(source), "target": shown_place(target), "rows": rows}
    out.result(data, f"{rows} rows, each of them compared, in {data['target']}")
    out.note(f"{data['source']} is retired: nothing opens it any more. It can be deleted.")


def _place(told: str) -> str:
    """A path or an address, or what stands in a variable."""
    if not told.startswith("env:"):
        return told
    place = os.environ.get(told.removeprefix("env:"), "")
    if not place:
        raise WrongUsage(f"the variable of {told} is not set", "It should hold a path, or the address of a database.")
    return place


def shown_place(place: str) -> str:
    """An address without its password."""
    if not is_database(place):
        return place
    place = re.sub(r"(//[^/?@:]*):[^/?]*@", r"\1@", place)
    return re.sub(r"([?&]password)=[^&]*", r"\1=...", place)
