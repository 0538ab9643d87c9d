"""A small world for tests: people with devices on machines in memory, a bad network, a clock that is moved by hand.

    world = Simulation(seed=1)
    alice, bot = world.add_person(), world.add_person()
    world.introduce(alice, bot)
    world.set_faults(Faults(drop=100, duplicate=50, delay=200, crash=20))  # of 1,000
    world.send(alice, 0, bot, "ping")
    for delivery in world.run():
        ...

Everything that happens follows from the seed: whatever fails once fails again. The clients are the real ones.
"""

from windlass_chat import _native
from windlass_chat._extended import extended
from windlass_chat._native import Delivery, Faults, Tally
from windlass_chat.client import Client

__all__ = ["Delivery", "Faults", "Simulation", "Tally"]


class Simulation(_native.Simulation):
    """A world in which nobody is yet, and nothing goes wrong until `set_faults`."""

    def client(self, person: int, device: int = 0) -> Client:
        """The client of a device. Ask again after `crash`, `restore_disk` and `deliver`: a machine that lost power has another."""
        return extended(super().client(person, device), Client)
