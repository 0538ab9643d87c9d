"""Bots and clients in tests, without a network. All of it is the real thing; nothing is a mock.

    client = BotTestClient(bot)
    assert await client.say("/add 1 2") == "3"

And a small world: people with devices on machines in memory, a bad network, a clock that is moved by hand.

    world = Simulation(seed=1)
    alice, bot = world.add_person(), world.add_person()
    world.introduce(alice, bot)
    world.set_faults(Faults(drop=100, duplicate=50, delay=200, crash=20))  # of 1,000
    world.send(alice, 0, bot, "ping")
    for delivery in world.run():
        ...

Everything that happens follows from the seed: whatever fails once fails again. The clients are the real ones.
"""

from windlass_chat._native import Delivery, Faults, Tally
from windlass_chat.bot_testing import BotTestClient
from windlass_chat.simulated import Simulation

__all__ = ["BotTestClient", "Delivery", "Faults", "Simulation", "Tally"]
