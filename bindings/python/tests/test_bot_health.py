"""What a bot tells of itself over HTTP."""

import asyncio
import contextlib
import json
from pathlib import Path

import pytest
from people import User, new_bot, office

from windlass_chat import WindlassError
from windlass_chat.bot import Bot, Message, SettingsError
from windlass_chat.bot.health import MOST_AT_ONCE
from windlass_chat.bot.places import place_of


async def ask(bot: Bot, request: str) -> tuple[str, str]:
    """The status, and the body."""
    assert bot._health is not None
    reader, writer = await asyncio.open_connection(*bot._health.place)
    writer.write(request.encode() + b"\r\nHost: x\r\n\r\n")
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return head.split(" ", 2)[1] if head else "", body


def echo(bot: Bot) -> Bot:
    @bot.on_message
    async def answer(message: Message) -> None:
        if message.text == "fail":
            raise ValueError("secret")
        await message.reply(f"echo {message.text}")

    return bot


def test_what_is_counted_is_told_and_nothing_of_what_was_said(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = echo(new_bot(tmp_path, url, health="0"))
        async with bot, User(tmp_path, url) as user:
            assert await user.ask(bot, "hello there") == "echo hello there"
            await user.write(bot, "fail")
            assert await user.ask(bot, "again") == "echo again"
            assert await ask(bot, "GET /health HTTP/1.1") == ("200", '{"alive": true}')
            status, text = await ask(bot, "GET /metrics HTTP/1.1")
            while "duration_seconds_count 3" not in text:
                status, text = await ask(bot, "GET /metrics HTTP/1.1")
            assert status == "200" and text.endswith("# EOF\n")
            assert "windlass_bot_answers_total 2\n" in text and "windlass_bot_failures_total 1\n" in text
            assert 'windlass_bot_process_duration_seconds_bucket{le="+Inf"} 3\n' in text
            status, body = await ask(bot, "GET /v1/metrics?x HTTP/1.1")
            told = json.loads(body)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
            counts = {one["name"]: one for one in told}
            assert counts["windlass.bot.answers"]["sum"]["dataPoints"][0]["asInt"] == "2"
            assert counts["windlass.bot.process.duration"]["histogram"]["dataPoints"][0]["count"] == "3"
            assert counts["windlass.bot.messages.waiting"]["gauge"]["dataPoints"][0]["asInt"] == "0"
            for said in ("hello", "again", "secret", bot.address, user.client.address()):
                assert said not in text + body
        assert bot._health is None

    asyncio.run(talk())


def test_whoever_asks_wrongly_or_too_much_costs_nothing(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = echo(new_bot(tmp_path, office(), health="127.0.0.1:0"))
        async with bot:
            assert (await ask(bot, "POST /health HTTP/1.1"))[0] == "405"
            assert (await ask(bot, "GET /../bot.wl HTTP/1.1"))[0] == "404"
            assert (await ask(bot, "HEAD /health HTTP/1.1")) == ("200", "")
            assert (await ask(bot, "\x00"))[0] == "405"
            with contextlib.suppress(OSError):
                assert (await ask(bot, "GET /" + "x" * 100_000))[0] == ""
            assert bot._health is not None
            silent = [await asyncio.open_connection(*bot._health.place) for _ in range(MOST_AT_ONCE)]
            with contextlib.suppress(OSError):
                while (await ask(bot, "GET /health HTTP/1.1"))[0]:
                    pass
            for _, writer in silent:
                writer.close()
            await until_it_answers(bot)

    asyncio.run(talk())


async def until_it_answers(bot: Bot) -> None:
    """Those that were there before are gone a moment later."""
    while True:
        with contextlib.suppress(OSError):
            if (await ask(bot, "GET /health HTTP/1.1"))[0] == "200":
                return


def test_a_store_that_does_not_answer_is_told(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = echo(new_bot(tmp_path, office(), health="0"))
        async with bot:
            assert bot._health is not None

            def closed() -> None:
                raise WindlassError.StoreClosed("closed")

            bot._health._store = closed
            assert await ask(bot, "GET /health HTTP/1.1") == ("503", '{"alive": false}')

    asyncio.run(talk())


@pytest.mark.parametrize("wrong", ["", "x", "65536", ":80", "host:", "-1", "[]:80", "٣"])
def test_a_place_that_is_none_is_told_at_once(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        Bot(tmp_path / "bot.wl", key=bytes(32), health=wrong)


def test_a_port_alone_is_for_this_machine() -> None:
    assert place_of("9100") == ("127.0.0.1", 9100)
    assert place_of("0.0.0.0:9100") == ("0.0.0.0", 9100)
    assert place_of("[::1]:0") == ("::1", 0)
    assert Bot("never.wl", key=bytes(32), health=9100).settings.health == "9100"
