"""Jobs: each is done once, at its time, whenever the process dies; what it says goes out with the fact that it was done."""

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from people import User, new_bot, office

from windlass_chat import StateOwner
from windlass_chat.bot import Bot, Job, Message, TooManyJobs
from windlass_chat.bot import jobs as jobs_module
from windlass_chat.bot.schedule import Cron, next_run
from windlass_chat.testing import BotTestClient

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def reminding(bot: Bot) -> Bot:
    @bot.command("in")
    async def remind_me(message: Message, minutes: int, text: str) -> None:
        await bot.jobs.at(minutes * MINUTE, "remind", {"to": message.conversation, "text": text}, id=text)
        if text == "fails":
            raise ValueError
        await message.reply("aye")

    @bot.command("every")
    async def every(message: Message, minutes: int) -> None:
        await bot.jobs.every(minutes * MINUTE, "count", {"to": message.conversation, "count": 0}, id="count")

    @bot.command("cancel")
    async def cancel(message: Message, id: str) -> None:
        await message.reply(str(await bot.jobs.cancel(id)))

    @bot.job("remind")
    async def remind(job: Job) -> None:
        await job.send(job.data["to"], job.data["text"])

    @bot.job("count")
    async def count(job: Job) -> None:
        job.data["count"] += 1
        job.state_of(job.data["to"])["count"] = job.data["count"]
        await bot.send(job.data["to"], str(job.data["count"]))
        if job.data["count"] == 3:
            await bot.jobs.cancel(job.id)

    @bot.on_message
    async def counted(message: Message) -> None:
        await message.reply(str(message.state.get("count")))

    return bot


def test_jobs_are_done_at_their_time_and_once_over_loss_of_power(tmp_path: Path) -> None:
    async def talk() -> None:
        client = BotTestClient(reminding(Bot(tmp_path / "never.wl", key=bytes(32))))
        assert await client.say("/in 10 rum") == "aye"
        client.crash()
        assert await client.advance(9 * MINUTE) == ""
        client.crash()
        assert await client.advance(MINUTE) == "rum"
        client.crash()
        assert await client.advance(3 * HOUR) == ""
        assert await client.bot.jobs.waiting() == []
        # Again and again, and what it was given it keeps.
        await client.say("/every 5")
        assert await client.advance(11 * MINUTE) == "1\n2"
        client.crash()
        assert await client.say("?") == "2"
        # What was missed is done once.
        client.world.advance(HOUR)
        await client.settle()
        assert [message.text for message in await client.heard()] == ["3"]
        assert await client.bot.jobs.waiting() == []

    asyncio.run(talk())


def test_what_a_handler_plans_belongs_to_its_answer(tmp_path: Path) -> None:
    async def talk() -> None:
        client = BotTestClient(reminding(Bot(tmp_path / "never.wl", key=bytes(32))))
        with pytest.raises(ValueError):
            await client.say("/in 1 fails")
        assert await client.advance(HOUR) == ""
        assert await client.say("/in 1 rum") == await client.say("/in 90 rum") == "aye"
        (job,) = await client.bot.jobs.waiting()
        assert (job.id, job.task, job.data["text"], job.every, job.cron) == ("rum", "remind", "rum", None, None)
        assert await client.advance(HOUR) == ""
        assert await client.say("/cancel rum") == "True" and await client.say("/cancel rum") == "False"
        assert await client.advance(HOUR) == ""

    asyncio.run(talk())


def test_a_job_that_fails_says_nothing_and_counts_as_done(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = Bot(tmp_path / "never.wl", key=bytes(32))
        errors: list[str] = []
        runs: list[str] = []

        @bot.job("unlucky", every=HOUR)
        async def unlucky(job: Job) -> None:
            runs.append(job.task)
            await job.send(client.address, "half")
            job.state_of(client.address)["half"] = True
            if len(runs) == 1:
                raise ZeroDivisionError
            await job.send("nobody" if len(runs) == 2 else client.address, "whole")

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            assert message is None
            errors.append(type(error).__name__)

        client = BotTestClient(bot)
        assert await client.advance(2 * HOUR) == ""
        assert bot.client.state(StateOwner.CONVERSATION(client.address), "state") is None
        assert await client.advance(HOUR) == "half\nwhole"
        assert errors == ["ZeroDivisionError", "InvalidAddress"] and len(runs) == 3

    asyncio.run(talk())


def test_a_job_with_which_the_process_dies_is_set_aside(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = Bot(tmp_path / "never.wl", key=bytes(32), retries=2)
        told: list[str] = []
        begun: list[int] = []

        @bot.job("mortal")
        async def mortal(job: Job) -> None:
            begun.append(bot.jobs.attempts(job.id))

        @bot.on_error
        async def failed(error: BaseException, message: Message | None) -> None:
            told.append(type(error).__name__)

        client = BotTestClient(bot)
        for died in range(3):
            await bot.jobs.at(MINUTE, "mortal", id="it")
            # As a process leaves it that dies with it so often.
            await bot.jobs.note_attempts("it", died)
            await client.advance(HOUR)
        assert begun == [1, 2] and told == ["PoisonMessage"]
        assert await bot.jobs.waiting() == []

    asyncio.run(talk())


def test_a_job_that_is_stopped_with_its_bot_did_not_die(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = new_bot(tmp_path, url, grace=0.0)
        began = asyncio.Event()

        @bot.job("endless")
        async def endless(job: Job) -> None:
            began.set()
            await asyncio.Event().wait()

        await bot.jobs.at(timedelta(), "endless", id="it")
        async with bot:
            await began.wait()
        again = new_bot(tmp_path, url)
        assert [job.id for job in await again.jobs.waiting()] == ["it"] and again.jobs.attempts("it") == 0
        again.client.close()

    asyncio.run(talk())


def test_jobs_are_bounded_in_all_and_for_each_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk() -> None:
        monkeypatch.setattr(jobs_module, "MAX_JOBS", 4)
        monkeypatch.setattr(jobs_module, "MAX_JOBS_OF_ONE", 2)
        anne = BotTestClient(reminding(Bot(tmp_path / "never.wl", key=bytes(32))))
        mary, jack = anne.friend(), anne.friend()
        for one in (anne, mary):
            assert await one.say(f"/in 5 {one.person}a") == await one.say(f"/in 5 {one.person}b") == "aye"
            with pytest.raises(TooManyJobs):
                await one.say("/in 5 c")
            # In the place of one that waits.
            assert await one.say(f"/in 6 {one.person}b") == "aye"
        with pytest.raises(TooManyJobs):
            await jack.say("/in 5 a")
        await anne.advance(HOUR)
        assert await jack.say("/in 5 a") == "aye"

    asyncio.run(talk())


def test_what_a_message_plans_that_is_dropped_meanwhile_is_not_done(tmp_path: Path) -> None:
    async def talk() -> None:
        bot = Bot(tmp_path / "never.wl", key=bytes(32))
        calls: list[str] = []

        @bot.on_message
        async def plan(message: Message) -> None:
            await bot.jobs.at(MINUTE, "note", id="note")
            await bot.roles.set(message.author, "admin")
            await bot.drop_backlog(message.author)

        @bot.job("note")
        async def note(job: Job) -> None:
            calls.append(job.id)

        client = BotTestClient(bot)
        assert await client.say("plan") == await client.advance(HOUR) == ""
        assert calls == [] and bot.roles.all() == {}
        # One that is only in memory is forgotten when it is looked at.
        bot.jobs._note("ghost", {"due": 0.0, "task": "note", "by": ""})
        await bot.handle_waiting()
        assert calls == [] and bot.jobs.next_due(["note"]) is None

    asyncio.run(talk())


def test_a_running_bot_does_its_jobs_and_those_that_it_missed(tmp_path: Path) -> None:
    async def talk() -> None:
        url = office()
        bot = reminding(new_bot(tmp_path, url))
        async with User(tmp_path, url) as user:
            async with bot:
                assert await user.ask(bot, "/in 0 rum") == "aye"
                assert await user.hear() == "rum"
                address = user.client.address()
                await bot.jobs.at(timedelta(hours=1), "remind", {"to": address, "text": "later"})
                soon = bot.client.now() + timedelta(milliseconds=200)
                await bot.jobs.at(soon, "remind", {"to": address, "text": "soon"})
                assert await user.hear() == "soon"
                with pytest.raises(ValueError):
                    await bot.jobs.at(MINUTE, "no such job")
                with pytest.raises(TypeError):
                    await bot.jobs.at(MINUTE, "remind", {"bot": bot})
            # The bot was away when it was due.
            bot = reminding(new_bot(tmp_path, url))
            (job,) = await bot.jobs.waiting()
            await bot.jobs.at(job.due - HOUR, job.task, job.data, id=job.id)
            async with bot:
                assert await user.hear() == "later"
                assert await bot.jobs.waiting() == []

    asyncio.run(talk())


UTC = timezone.utc


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("* * * * *", "2030-01-01 00:01"),
        ("*/15 * * * *", "2030-01-01 00:15"),
        ("30 9 * * mon-fri", "2030-01-01 09:30"),
        ("0 9 * * sun", "2030-01-06 09:00"),
        ("0 9 * * 7", "2030-01-06 09:00"),
        ("0 0 29 feb *", "2032-02-29 00:00"),
        ("0 0 13 * fri", "2030-01-04 00:00"),
        ("5,10 1-3/2 1 2,3 *", "2030-02-01 01:05"),
        ("0 0 1 1 *", "2031-01-01 00:00"),
        ("59/1 23 31 12 *", "2030-12-31 23:59"),
    ],
)
def test_cron_says_when(line: str, expected: str) -> None:
    found = Cron(line).after(datetime(2030, 1, 1, tzinfo=UTC))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert Cron(line).after(found) > found


@pytest.mark.parametrize(
    "line",
    ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *", "0 0 31 2 *", "x * * * *"],
)
def test_what_is_no_cron_or_never_comes_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        Cron(line)


def test_what_was_missed_is_not_made_up_for() -> None:
    assert next_run(100, 100, None, None) is None
    assert next_run(100, 101, 10, None) == 110
    assert next_run(100, 135, 10, None) == 140
    # The clock was far ahead when it was planned.
    assert next_run(10_000, 135, 10, None) == 145
