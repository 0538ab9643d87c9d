"""Whom a bot listens to."""

from __future__ import annotations

from windlass_chat._native import TrustPolicy, WindlassError
from windlass_chat.client import Client


def listened_to(client: Client, trust: TrustPolicy, author: str, conversation: str) -> bool | None:
    """Whether what an author writes in a conversation is handled; nothing if that is not decided yet."""
    in_group = conversation != author
    if in_group:
        group = client.conversation(conversation)
        if not group.is_joined():
            # Perhaps we join; or it is over.
            invited = any(member.address == client.address() for member in group.members())
            return None if invited else False
    if trust == TrustPolicy.ACCEPT_ALL:
        return True
    try:
        contact = client.contact(author)
    except WindlassError.UnknownContact:
        return False
    if contact.blocked:
        return False
    verified = contact.verified or trust != TrustPolicy.VERIFIED_ONLY
    if in_group:
        # An admin let them in. Nobody's word waits for a decision here, for everybody's would wait behind it.
        return verified
    return True if contact.accepted and verified else None
