"""`Claims`: which work is this worker's, where several processes are one bot."""

from __future__ import annotations

from windlass_chat.bot.tasks import insisting
from windlass_chat.client import Client


class Claims:
    """What a worker has of the work, so that no other does it at the same time. What it had is free again when its process dies.

    A bot that is one process has everything. That each message is answered once does not hang on it: that is what commits are for.
    """

    def __init__(self, client: Client, shared: bool) -> None:
        self._client = client
        self.shared = shared
        """Whether there may be other workers."""

    async def take(self, names: list[str]) -> list[bool]:
        """Whether each piece of work is ours now."""
        if not self.shared:
            return [True] * len(names)
        return await insisting(self._client.claim_work, names) if names else []

    async def take_one(self, name: str) -> bool:
        """Whether it is ours now."""
        return (await self.take([name]))[0]

    async def give_back(self, names: list[str]) -> None:
        """Others may have it."""
        if self.shared and names:
            await insisting(self._client.release_work, names)
