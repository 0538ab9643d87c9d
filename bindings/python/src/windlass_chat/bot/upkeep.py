"""What has to be done now and then, and the bundles that the transport keeps."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from windlass_chat._native import Bundle, WindlassError, find_contact
from windlass_chat._text import checked
from windlass_chat._threads import in_thread
from windlass_chat.bot.logs import describe, short, trouble
from windlass_chat.client import Client
from windlass_chat.transport import Transport

A_DAY = 24 * 3600.0
RENEWALS_PER_ROUND = 20

log = logging.getLogger("windlass_chat.bot")


async def fetch(transport: Transport, address: str) -> Bundle | None:
    """The bundle of an address, if the transport has one."""
    found = await transport.fetch_bundle(address)
    if found is None:
        return None
    # Anybody may have put it there.
    bundle = Bundle.decode(found)
    return bundle if bundle.identity().address() == address else None


async def invited(client: Client, transport: Transport | None, text: str) -> str:
    """The address that a text names: of an invitation, whose bundle is added, or as it stands there.

    A bundle that has expired is looked up anew: the identity in it is the one that the invitation means.
    """
    found = find_contact(text)
    if found.bundle is not None:
        try:
            await in_thread(client.add_contact, found.bundle)
        except WindlassError.InvitationUsed:
            pass  # By us: its owner is among our contacts.
        except WindlassError.BundleExpired:
            newer = await fetch(transport, found.address) if transport is not None else None
            if newer is not None:
                await in_thread(client.add_contact, newer)
            elif all(contact.address != found.address for contact in await in_thread(client.contacts)):
                raise
    return found.address


class Connected(Protocol):
    """What runs has a transport."""

    transport: Transport


async def address_in(client: Client, running: Connected | None, text: str) -> str:
    """The address of whom an invitation invites to write to; any other text as it is."""
    if ":" not in checked(text):
        return text
    try:
        return await invited(client, running.transport if running is not None else None, text)
    except WindlassError.UriNotWindlass:
        return text


class Upkeep:
    """Resends, healing and new prekeys when they are due; our bundle where others find it, and theirs in time."""

    def __init__(self, client: Client, transport: Transport, every: float, done: Callable[[], None] = lambda: None) -> None:
        self._client = client
        self._transport = transport
        self._every = every
        self._done = done
        self._published: bytes | None = None
        self._renewed: dict[str, float] = {}

    async def run(self) -> None:
        """Never ends."""
        while True:
            try:
                await self._keep_up()
            except WindlassError as error:
                if not error.retry:
                    raise
                log.warning("cannot keep up: %s", error.code, extra={"event": "keep_up_failed", "error": error.code})
            await asyncio.sleep(self._every)

    async def _keep_up(self) -> None:
        client = self._client
        await in_thread(client.maintain)
        bundle = (await in_thread(client.bundle)).encode()
        self._done()
        if bundle != self._published:
            await self._publish(bundle)
        await self._renew()

    async def _publish(self, bundle: bytes) -> None:
        try:
            await self._transport.publish_bundle(self._client.address(), bundle)
        except Exception as error:
            # Whatever it is, for transports raise what their libraries do; the next round tries again.
            kind, _ = describe(error)
            extra = {"event": "keep_up_failed", "error": kind}
            log.warning("cannot publish our bundle: %s", trouble(error), extra=extra)
        else:
            self._published = bundle

    async def _renew(self) -> None:
        """Looks for newer bundles of contacts whose own have run out: without one nothing heals."""
        now = time.time()
        stale = [
            contact.address
            for contact in await in_thread(self._client.contacts)
            if contact.bundle_expires_at is not None
            and contact.bundle_expires_at.timestamp() < now
            and not contact.blocked
            and self._renewed.get(contact.address, 0.0) < now - A_DAY
        ]
        stale = stale[:RENEWALS_PER_ROUND]
        self._renewed.update(dict.fromkeys(stale, now))
        await asyncio.gather(*map(self.find, stale))

    async def find(self, address: str) -> bool:
        """Adds the contact whose bundle the transport has; false if there is none."""
        try:
            bundle = await fetch(self._transport, address)
            if bundle is None:
                return False
            await in_thread(self._client.add_contact, bundle)
        except Exception as error:
            # Of the transport, or of what somebody put there.
            kind, _ = describe(error)
            extra = {"address": address, "error": kind}
            log.warning("no bundle of %s: %s", short(address), trouble(error), extra=extra)
            return False
        return True
