"""Which messages of a group are meant for the bot, and whose invitations it takes."""

from __future__ import annotations

import re

from windlass_chat._native import TrustPolicy, WindlassError
from windlass_chat.bot.message import Message
from windlass_chat.bot.settings import Settings
from windlass_chat.bot.trust import listened_to
from windlass_chat.client import Client


def is_addressed(client: Client, settings: Settings, message: Message) -> bool:
    """Whether a message of a group, which is no command, is handed over: else two bots in one group talk for ever."""
    if settings.group_messages == "all" or is_meant(message):
        return True
    if message.reply_to is None:
        return False
    return client.conversation(message.conversation).message(client.address(), message.reply_to) is not None


def is_meant(message: Message) -> bool:
    """Whether a message means the bot: by a mention, by its name, or by its address."""
    bot, text = message.bot, message.text
    return message.stored.mentions_me or mentions(text, bot.settings.name) or bot.address in text


def mentions(text: str, name: str) -> bool:
    """Whether somebody is called by name."""
    return bool(name) and re.search(rf"(?<!\w)@{re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def may_invite(client: Client, settings: Settings, by: str) -> bool:
    """Whether the bot joins a group because this person invites it, where no handler decides."""
    if settings.join_groups == "none" or listened_to(client, settings.trust, by, by) is not True:
        return False
    if settings.join_groups == "all":
        return True
    try:
        contact = client.contact(by)
    except WindlassError.UnknownContact:
        return False
    # Whoever accepts everybody has not decided on anybody.
    decided = settings.trust != TrustPolicy.ACCEPT_ALL and contact.accepted
    return contact.verified or contact.added_by_us or decided
