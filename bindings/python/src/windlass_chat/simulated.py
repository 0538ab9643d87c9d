"""`Simulation`."""

from windlass_chat import _native
from windlass_chat._extended import extended
from windlass_chat.client import Client


class Simulation(_native.Simulation):
    """A world in which nobody is yet, and nothing goes wrong until `set_faults`."""

    def client(self, person: int, device: int = 0) -> Client:
        """The client of a device. Ask again after `crash`, `restore_disk` and `deliver`: a machine that lost power has another."""
        return extended(super().client(person, device), Client)
