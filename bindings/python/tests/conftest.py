"""Puts the peer that was built from the specification alone where the tests find it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "examples/peer-from-the-spec"))
