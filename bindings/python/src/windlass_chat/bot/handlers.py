"""Which handlers a message or an event goes to."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from windlass_chat._native import Event, read_command
from windlass_chat.bot.answering import reacting
from windlass_chat.bot.calling import name_of, outcome_of
from windlass_chat.bot.commands import UsageError
from windlass_chat.bot.dialogue import question_of, step_of
from windlass_chat.bot.jobs import Job
from windlass_chat.bot.logs import report
from windlass_chat.bot.measures import Measures
from windlass_chat.bot.message import ContactRequest, Message, PoisonMessage
from windlass_chat.bot.role import Role
from windlass_chat.bot.router import Next, Proceed, Router, around
from windlass_chat.bot.services import Services
from windlass_chat.bot.settings import Settings

log = logging.getLogger("windlass_chat.bot")


class Handlers(Router):
    """Brings messages and events to what was registered."""

    settings: Settings
    measures: Measures

    def _check_command(self, name: str) -> None:
        prefix = self.settings.prefix
        if prefix and name.startswith(prefix):
            raise ValueError(f"the name of a command stands without its {prefix}: {name[len(prefix) :]!r}")

    def _chain(self) -> Next:
        """What a message goes through."""
        call: Next = self._dispatch
        for outer in reversed(self._middleware):
            call = around(outer, call)
        inner = call
        return lambda message: self._proceed(message, lambda: inner(message))

    def _proceed(self, subject: object, call: Proceed) -> Awaitable[None]:
        """Calls something, with what goes around everything."""
        for outer in reversed(self._around):
            call = functools.partial(outer, subject, call)
        return call()

    def _do_job(self, job: Job) -> Awaitable[None]:
        handler = self._jobs[job.task]
        return self._proceed(job, lambda: handler(job))

    async def _dispatch(self, message: Message) -> None:
        prefix = self.settings.prefix
        typed = read_command(message.text, prefix)
        if typed is not None:
            command = self._commands.get(typed.name)
            if command is not None and not command.is_for(message.role):
                await message.reply("That is not for you.")
                return
            if command is not None:
                await _told_usage(message, lambda: command.handler(message, *command.read(typed.words, prefix)))
                return
        step = self._step_for(message)
        if step is not None:
            await _told_usage(message, lambda: step(message))
            return
        if typed is not None:
            if self._is_help(typed.name):
                await message.reply(self._help(message.role) or "Nothing is for you.")
                return
            if self._commands and not self._listeners:
                hint = f" {prefix}help lists them." if self.settings.help else ""
                await message.reply(f"There is no such command.{hint}")
                return
        for handler in self._listeners:
            await handler(message)

    def _step_for(self, message: Message) -> Callable[[Message], Awaitable[None]] | None:
        """What takes the answer to a question, which is answered by that."""
        if not self._steps:
            return None
        question = question_of(message, message.conversation, message.author)
        name = step_of(question, message)
        question.clear()
        if name is not None and name not in self._steps:
            log.warning("there is no step %s any more", name, extra={"event": "no_step", "step": name})
        return self._steps.get(name) if name is not None else None

    def _is_asked(self, message: Message) -> bool:
        """Whether a message answers a question of the bot's."""
        if not self._steps:
            return False
        return step_of(question_of(message, message.conversation, message.author), message) is not None

    def _help(self, role: Role | None) -> str:
        lines = []
        for command in sorted(set(self._commands.values()), key=lambda command: command.name):
            if command.hidden or not command.is_for(role):
                continue
            usage = command.usage(self.settings.prefix)
            lines.append(f"{usage} - {command.description}" if command.description else usage)
        return "\n".join(lines)

    async def _failed(self, error: BaseException, message: Message | None) -> None:
        self.measures.failures += 1
        stored = message.stored if message is not None else None
        # That a message was set aside is logged in any case.
        debug = self.settings.debug
        if not self._errors and not isinstance(error, PoisonMessage):
            report(error, stored, debug)
        for handler in self._errors:
            another = await outcome_of(handler(error, message), self.settings.event_timeout, name_of(handler))
            if another is not None:
                report(another, stored, debug)
                if message is not None:
                    message._drop()
                self._look_for_exit(another)
        self._look_for_exit(error)

    def _look_for_exit(self, error: BaseException) -> None:
        """A handler may end the program: in order."""

    async def _tell(self, event: Event, services: Services) -> None:
        """Calls the handlers of an event."""
        await self._call_each([handler for kind, handler in self._events if isinstance(event, kind)], event)
        if isinstance(event, Event.CONTACT_REQUEST):
            await self._call_each(self._requests, ContactRequest(services, event.address))

    async def _call_each(self, handlers: Iterable[Callable[[Any], Awaitable[None]]], argument: object) -> bool:
        """Calls handlers one after the other; whether none of them failed."""
        well = True
        token = reacting.set(True)
        try:
            for handler in handlers:
                error = await outcome_of(self._proceed(argument, lambda: handler(argument)), self.settings.event_timeout, name_of(handler))
                if error is not None:
                    well = False
                    await self._failed(error, None)
        finally:
            reacting.reset(token)
        return well

    def _wants(self, event: Event) -> bool:
        """Whether anything is done about an event."""
        match event:
            case Event.GROUP_INVITATION() | Event.GROUP_CHANGED():
                return True
            case Event.CONTACT_REQUEST() if self._requests:
                return True
            case Event.REACTED() if self._reactions:
                return True
        return any(isinstance(event, kind) for kind, _ in self._events)

    def _names_command(self, text: str) -> bool:
        """Whether a text is a command that there is."""
        typed = read_command(text, self.settings.prefix)
        return typed is not None and (typed.name in self._commands or self._is_help(typed.name))

    def _is_help(self, name: str) -> bool:
        return bool(self._commands) and self.settings.help and name == "help"


async def _told_usage(message: Message, call: Callable[[], Awaitable[None]]) -> None:
    """What was typed wrongly is told in place of all else."""
    try:
        await call()
    except UsageError as error:
        message._drop()
        await message.reply(str(error))
