"""What tests of several subjects are given; and the peer that was built from the specification alone is put where they find it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import KEY
from mosquitto import Broker

from windlass_chat import Client

sys.path.insert(0, str(Path(__file__).parents[3] / "examples/peer-from-the-spec"))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with an identity, which `STORE_KEY` opens."""
    Client.create(tmp_path / "me.wl", key=KEY).close()
    return tmp_path / "me.wl"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own."""
    (tmp_path / "broker").mkdir()
    with Broker(tmp_path / "broker") as running:
        yield running
