"""Who is meant, by which transport, and whether it took what was written."""

from __future__ import annotations

from collections.abc import Container

from windlass_chat._native import Conversation, WindlassError
from windlass_chat.bot.upkeep import fetch, invited
from windlass_chat.cli.wrong import Failed, WrongUsage
from windlass_chat.client import Client
from windlass_chat.transport import Transport, transport_of

LATER = "It waits in the store: `windlass chat` sends it as soon as there is a connection."


def transport_given(url: str) -> Transport:
    """The transport that the command line names."""
    try:
        return transport_of("memory://" if url == "memory" else url)
    except ValueError as error:
        advice = "A transport is mqtt://host:port, mqtts://user:password@host, or memory."
        raise WrongUsage(str(error), advice) from None


async def reach(client: Client, transport: Transport, whom: str) -> Conversation:
    """The conversation with whom the command line names; a new contact if need be."""
    try:
        whom = await invited(client, transport, whom)
    except WindlassError.UriNotWindlass:
        pass  # The address of a group; or it is none, and that is said below.
    conversation = client.conversation(whom)
    if conversation.is_group():
        return conversation
    try:
        contact = client.contact(whom)
    except WindlassError.UnknownContact:
        found = await fetch(transport, whom)
        if found is None:
            raise
        contact = client.add_contact(found)
    if contact.blocked:
        raise WindlassError.ContactBlocked("this contact is blocked")
    if not contact.accepted:
        # They wrote first, and now we want to talk.
        client.accept_contact(whom)
    return conversation


def waits(client: Client, envelopes: Container[int]) -> bool:
    """Whether the transport has not taken one of these yet."""
    after = 0
    while page := client.outbox(after):
        if any(envelope.id in envelopes for envelope in page):
            return True
        after = page[-1].id
    return False


def not_delivered(what: str) -> Failed:
    """The time to wait for the transport is over."""
    return Failed(f"the transport has not taken {what}", "not_delivered", LATER, retry=True)
