"""Which of what stands under an address is its bundle. Without a broker: what it brings is given."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from people import KEY

from windlass_chat import Client
from windlass_chat.transport import mqtt_bundles
from windlass_chat.transport.bundles import issued_at
from windlass_chat.transport.mqtt_bundles import Bundles

PREFIX = "windlass/v1/bundle/"


class Topics:
    """Notes what is asked of the broker."""

    def __init__(self) -> None:
        self.subscribed: list[str] = []
        self.published: list[bytes] = []

    def bundles(self, address: str) -> Bundles:
        return Bundles(address, PREFIX, self.subscribed.append, self.subscribed.remove, self._publish)

    def _publish(self, topic: str, bundle: bytes) -> asyncio.Future[int]:
        self.published.append(bundle)
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        answer.set_result(0)
        return answer


@pytest.fixture
def ages(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, int]:
    """What counts as a bundle, and when it was issued. How a real one is read is another test's."""
    known: dict[bytes, int] = {}

    def issued(bundle: bytes, address: str) -> datetime | None:
        return datetime.fromtimestamp(known[bundle], timezone.utc) if bundle in known else None

    monkeypatch.setattr(mqtt_bundles, "issued_at", issued)
    monkeypatch.setattr(mqtt_bundles, "NEWER_SECONDS", 0.05)
    return known


def run(work: Callable[[Topics, Bundles], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        topics = Topics()
        await work(topics, topics.bundles("me"))

    asyncio.run(all_of_it())


@pytest.mark.parametrize("order", [["old", "new"], ["new", "old"], ["rubbish", "", "old", "rubbish", "new", ""], ["new"]])
def test_whoever_looks_gets_the_newest_that_is_one(order: list[str], ages: dict[bytes, int]) -> None:
    ages |= {b"old": 1, b"new": 2}

    async def look(topics: Topics, bundles: Bundles) -> None:
        fetching = asyncio.create_task(bundles.fetch("you"))
        await asyncio.sleep(0)
        for bundle in order:
            bundles.found("you", bundle.encode())
        assert await fetching == b"new"
        assert topics.subscribed == []

    run(look)


def test_where_nothing_is_one_the_wait_has_an_end(ages: dict[bytes, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_bundles, "FETCH_SECONDS", 0.1)

    async def look(topics: Topics, bundles: Bundles) -> None:
        assert await bundles.fetch("you") is None
        fetching = asyncio.create_task(bundles.fetch("you"))
        await asyncio.sleep(0)
        bundles.found("you", b"rubbish")
        # Whoever asked finds out what is wrong with it.
        assert await fetching == b"rubbish"
        # Two who look for the same do not end each other's search.
        both = [asyncio.create_task(bundles.fetch("you")) for _ in range(2)]
        await asyncio.sleep(0)
        both[0].cancel()
        await asyncio.sleep(0)
        assert topics.subscribed
        ages[b"new"] = 1
        bundles.found("you", b"new")
        assert await both[1] == b"new" and not topics.subscribed[1:]

    run(look)


def test_ours_is_put_back_for_what_is_none_and_left_for_that_of_another_device(
    ages: dict[bytes, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_bundles, "FIRST_REST", 0.01)
    ages |= {b"older": 1, b"ours": 2, b"as new": 2, b"newer": 3}

    async def look(topics: Topics, bundles: Bundles) -> None:
        with bundles.publishing(PREFIX + "me", b"ours"):
            # Our own, coming back.
            bundles.found("me", b"ours")
        for fine in (b"ours", b"as new", b"newer"):
            bundles.found("me", fine)
        await asyncio.sleep(0.05)
        assert topics.published == []
        for wrong in (b"", b"rubbish", b"older", b"x" * 20_000):
            topics.published.clear()
            # However often.
            for _ in range(100):
                bundles.found("me", wrong)
            while not topics.published:
                await asyncio.sleep(0.01)
            assert topics.published == [b"ours"]
        # Somebody else's is nobody's business of ours.
        bundles.found("you", b"rubbish")
        # While a newer one of ours is on its way, the one before may still come by.
        ages[b"next"] = 4
        topics.published.clear()
        with bundles.publishing(PREFIX + "me", b"next"):
            bundles.found("me", b"ours")
        await asyncio.sleep(0.05)
        assert topics.published == []
        bundles.found("me", b"ours")
        bundles.close()
        await asyncio.sleep(0.05)
        assert topics.published == []

    run(look)


def test_a_bundle_is_one_of_this_address_that_anybody_may_use(tmp_path: Path) -> None:
    with Client.create(tmp_path / "me.wl", key=KEY) as me, Client.create(tmp_path / "other.wl", key=KEY) as other:
        bundle, address = me.bundle(), me.address()
        assert issued_at(bundle.encode(), address) == bundle.issued_at()
        spoilt = bytearray(bundle.encode())
        spoilt[-1] ^= 1
        for wrong in (b"", b"rubbish", bytes(spoilt), other.bundle().encode(), me.single_use_bundle().encode()):
            assert issued_at(wrong, address) is None
        assert issued_at(bundle.encode(), other.address()) is None
