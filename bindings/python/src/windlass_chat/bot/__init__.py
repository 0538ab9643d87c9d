"""Bots: a store, a transport, and functions that answer.

    bot = Bot("echo.wl", key_env="BOT_KEY", transport="mqtt://localhost")

    @bot.on_message
    async def echo(message: Message) -> None:
        await message.reply(message.text)

    bot.run()

What a handler replies becomes durable together with the fact that the message was handled. So whenever the process
dies, each message is answered once. What else a handler does may happen again after a crash.
"""

from windlass_chat._native import TrustPolicy
from windlass_chat.bot import filters as filters
from windlass_chat.bot.bot import Bot
from windlass_chat.bot.commands import UsageError
from windlass_chat.bot.files import DirectoryFiles, Files, FilesError, HttpFiles
from windlass_chat.bot.filters import Filter
from windlass_chat.bot.jobs import Job, ScheduledJob, TooManyJobs
from windlass_chat.bot.logs import JsonFormatter
from windlass_chat.bot.message import ContactRequest, GroupInvitation, Message, PoisonMessage, Reaction
from windlass_chat.bot.role import Role
from windlass_chat.bot.roles import TooManyRoles
from windlass_chat.bot.router import Next, Proceed, Router
from windlass_chat.bot.sent import Says, SentMessage
from windlass_chat.bot.settings import Settings, SettingsError

__all__ = [
    "Bot",
    "ContactRequest",
    "DirectoryFiles",
    "Files",
    "FilesError",
    "Filter",
    "GroupInvitation",
    "HttpFiles",
    "Job",
    "JsonFormatter",
    "Message",
    "Next",
    "PoisonMessage",
    "Proceed",
    "Reaction",
    "Role",
    "Router",
    "Says",
    "ScheduledJob",
    "SentMessage",
    "Settings",
    "SettingsError",
    "TooManyJobs",
    "TooManyRoles",
    "TrustPolicy",
    "UsageError",
    "filters",
]
