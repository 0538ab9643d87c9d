"""Several devices, healing and trust, as a bot's author uses and tests them."""

from datetime import timedelta
from pathlib import Path

import pytest

import windlass_chat
from windlass_chat import Client, DeviceLink, SessionState, TrustPolicy, events
from windlass_chat.testing import Delivery, Faults, Simulation

KEY = bytes(32)


def texts(client: Client, address: str) -> list[str | None]:
    return [message.text for message in client.conversation(address).messages()]


def carry(*clients: Client) -> None:
    """Brings what waits to every device of its address, until nothing waits."""
    while waiting := [(sender, envelope) for sender in clients for envelope in sender.outbox()]:
        for sender, envelope in waiting:
            for receiver in clients:
                if receiver is not sender and receiver.address() == envelope.to:
                    try:
                        receiver.receive(envelope.bytes)
                    except windlass_chat.NotForThisDevice:
                        pass  # written before the device was there
            sender.mark_sent([envelope.id])


def test_a_second_device_is_linked_once_both_show_the_same_and_takes_part(tmp_path: Path) -> None:
    phone = Client.create(tmp_path / "phone.wl", key=KEY)
    bot = Client.create(tmp_path / "bot.wl", key=KEY)
    phone.add_contact(bot.bundle())
    phone.send(bot.address(), "before")
    carry(phone, bot)

    link = DeviceLink(tmp_path / "tablet.wl", key=KEY)
    assert len(link.to_uri()) == 68 and "<svg" in windlass_chat.qr_svg(link.to_uri())
    check = link.take_answer(phone.link_device(link.to_uri()))
    assert phone.check_link(link.reply()) == check == link.check() and check.address == phone.address()
    assert len(check.digits) == 9 and len(check.emoji) == 4
    pending = phone.pending_link()
    assert pending is not None and pending.check == check
    transfer = phone.confirm_link()
    tablet = link.finish(transfer)
    assert isinstance(tablet, Client) and tablet.address() == phone.address()
    carry(phone, tablet, bot)
    assert texts(tablet, bot.address()) == ["before"]
    assert tablet.conversation(bot.address()).messages()[0].copied

    tablet.send(bot.address(), "from the tablet")
    carry(phone, tablet, bot)
    bot.send(phone.address(), "hello both")
    carry(phone, tablet, bot)
    for client, address in ((phone, bot.address()), (tablet, bot.address()), (bot, phone.address())):
        assert texts(client, address) == ["before", "from the tablet", "hello both"]
    assert [device.device_id for device in phone.devices()] == [phone.device_id(), tablet.device_id()]

    phone.remove_device(tablet.device_id())
    with pytest.raises(windlass_chat.UnknownDevice):
        phone.remove_device(tablet.device_id())
    with pytest.raises(windlass_chat.UriDamaged):
        phone.link_device(link.to_uri()[:-1])
    with pytest.raises(windlass_chat.LinkTooEarly):
        DeviceLink(tmp_path / "other.wl", key=KEY).finish(transfer)
    with pytest.raises(windlass_chat.LinkOver):
        phone.confirm_link()


def test_strangers_wait_and_the_policy_decides(tmp_path: Path) -> None:
    bot = Client.create(tmp_path / "bot.wl", key=KEY)
    stranger = Client.create(tmp_path / "stranger.wl", key=KEY)
    stranger.add_contact(bot.bundle())
    stranger.send(bot.address(), "psst")
    carry(stranger, bot)
    (waiting,) = bot.contacts()
    assert not waiting.accepted and bot.trust_policy() == TrustPolicy.FIRST_USE
    assert stranger.conversation(bot.address()).messages()[0].delivered_at is None
    bot.accept_contact(stranger.address())
    carry(stranger, bot)
    assert stranger.conversation(bot.address()).messages()[0].delivered_at is not None

    assert bot.block_contact(stranger.address()).blocked
    envelope = stranger.send(bot.address(), "anyone?").envelopes[0]
    assert bot.receive(envelope.bytes) == [events.Blocked(stranger.address())]
    with pytest.raises(windlass_chat.ContactBlocked):
        bot.send(stranger.address(), "no")
    bot.remove_contact(stranger.address())
    assert bot.contacts() == []
    bot.set_trust_policy(TrustPolicy.VERIFIED_ONLY)
    bot.add_contact(stranger.bundle())
    with pytest.raises(windlass_chat.ContactNotVerified):
        bot.send(stranger.address(), "who are you?")


def echo(world: Simulation, bot: int, delivered: list[Delivery]) -> None:
    """A bot under test: answers each message that reaches its device."""
    for delivery in delivered:
        for event in delivery.events:
            if delivery.person == bot and isinstance(event, events.Message):
                world.client(bot).send(event.message.author, f"echo {event.message.text}")


def run(seed: int) -> tuple[list[str | None], dict[str, int]]:
    """One run, and what went wrong in it."""
    world = Simulation(seed)
    alice, bot = world.add_person(), world.add_person()
    world.introduce(alice, bot)
    world.set_faults(Faults(drop=150, duplicate=100, delay=200, crash=0))
    for number in range(10):
        world.send(alice, 0, bot, str(number))
        echo(world, bot, world.run())
    world.set_faults(Faults(drop=0, duplicate=0, delay=0, crash=0))
    for _ in range(20):
        world.advance(timedelta(hours=2))
        echo(world, bot, world.run())
    for person, other in ((alice, bot), (bot, alice)):
        status = world.client(person).session(world.client(other).address()).status()
        assert (status.state, status.attempts) == (SessionState.ESTABLISHED, 0)
    history = texts(world.client(alice), world.client(bot).address())
    assert history == texts(world.client(bot), world.client(alice).address())
    return history, {tally.what: tally.times for tally in world.tally()}


@pytest.mark.parametrize("seed", range(5))
def test_a_bot_answers_each_message_once_over_a_bad_network(seed: int) -> None:
    history, faults = run(seed)
    assert sorted(map(str, history)) == sorted([f"{e}{n}" for e in ("", "echo ") for n in range(10)])
    assert faults["dropped"] + faults["delayed"] + faults["duplicated"] > 0


def test_one_seed_is_one_run() -> None:
    assert run(7) == run(7)
    assert run(7)[1] != run(8)[1]


def test_a_machine_that_lost_power_and_one_put_back_from_a_copy_go_on() -> None:
    world = Simulation(seed=1)
    alice, bob = world.add_person(), world.add_person()
    world.introduce(alice, bob)
    world.send(alice, 0, bob, "one")
    world.run()
    world.send(bob, 0, alice, "two")
    world.run()
    world.copy_disk(bob, 0)
    world.send(alice, 0, bob, "three")
    world.run()
    world.restore_disk(bob, 0)
    assert texts(world.client(bob), world.client(alice).address()) == ["one", "two"]
    world.crash(alice, 0)
    for text in ("four", "five"):
        world.send(alice, 0, bob, text)
        world.run()
        world.advance(timedelta(hours=2))
        world.run()
    assert texts(world.client(bob), world.client(alice).address()) == ["one", "two", "three", "four", "five"]
