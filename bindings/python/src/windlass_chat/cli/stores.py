"""`inspect`, `shred`, `backup`, `restore`: what is done to the file."""

from __future__ import annotations

import argparse
from contextlib import closing

from windlass_chat._native import StoreKey
from windlass_chat.cli.output import Output
from windlass_chat.cli.secrets import open_store, store_key
from windlass_chat.client import Client
from windlass_chat.store import EncryptedStore


def inspect(given: argparse.Namespace, out: Output) -> None:
    """Says what is in a store, and nothing of what it says."""
    with closing(open_store(given)) as store:
        found = store.inspect()
        rolled_back = store.rollback_noticed()
    data: dict[str, object] = {
        "schema_version": found.schema_version,
        "epoch": found.epoch,
        "opened_by": "passphrase" if found.passphrase else "key",
        "dirty_buckets": found.dirty_buckets,
        "file_bytes": found.file_bytes,
        "rollback_noticed": rolled_back,
        "rows": {table.table: table.rows for table in found.tables},
    }
    lines = [
        f"schema version   {found.schema_version}",
        f"epoch            {found.epoch}",
        f"opened by        {data['opened_by']}",
        f"to be shredded   {found.dirty_buckets} buckets",
        f"size             {found.file_bytes} bytes",
    ]
    if rolled_back:
        lines.append("This is an older copy of the store; what is missing will be asked for.")
    lines += [f"  {table.rows:>8}  {table.table}" for table in found.tables if table.rows]
    out.result(data, lines)


def shred(given: argparse.Namespace, out: Output) -> None:
    """Erases what was deleted."""
    with closing(open_store(given)) as store:
        report = store.shred()
    data: dict[str, object] = {"buckets": report.buckets, "rows": report.rows}
    out.result(data, f"{report.buckets} buckets shredded, {report.rows} rows sealed anew")


def backup(given: argparse.Namespace, out: Output) -> None:
    """Writes a backup."""
    with closing(open_store(given)) as store:
        key = _backup_key(given, new=True)
        records = store.export_backup(given.file, key, out.progress("backup "))
    out.result({"file": given.file, "records": records}, f"{records} records in {given.file}")


def restore(given: argparse.Namespace, out: Output) -> None:
    """Makes a store from a backup."""
    backup_key, key = _backup_key(given, new=False), store_key(given, whose="new store", new=True)
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


def _backup_key(given: argparse.Namespace, new: bool) -> StoreKey:
    return store_key(given, prefix="backup_", whose="backup", new=new)
