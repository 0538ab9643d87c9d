"""Faults that are put into this peer on purpose, one at a time, and whether the vectors notice: python faults.py [WORD]

Each is a small change of the source that an implementer could make by misreading the clause, or by leaving out what it says. The changed
modules live in memory; nothing is written. A word picks the faults whose clause or change has it.
"""

import functools
import json
import sys
import types
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundles import is_of_prime_order
from fault_table import FAULTS

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "tests/vectors"
# In the order in which they import each other.
MODULES = ("suite", "kem", "epochs", "peer", "bundles", "chats", "siblings", "links", "histories", "healing", "memberships", "first_messages", "linking", "check_vectors")
SOURCES = {name: (HERE / f"{name}.py").read_text("utf-8") for name in MODULES}
CODE = {name: compile(source, f"{name}.py", "exec") for name, source in SOURCES.items()}


@dataclass(frozen=True)
class Fault:
    """What a clause says, and how it is broken: in a file this text stands once, and that takes its place."""

    clause: str
    file: str
    text: str
    other: str
    # The files of vectors that are walked, those that are about the clause.
    kinds: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.clause}: {self.text.strip()!r} -> {self.other.strip()!r}"


def faults() -> list[Fault]:
    return [Fault(clause, file, text, other, tuple(kinds.split())) for clause, file, kinds, text, other in FAULTS]


def peer_with(fault: Fault | None) -> types.ModuleType:
    """check_vectors of a peer that has the fault."""
    if fault and SOURCES[fault.file].count(fault.text) != 1:
        raise ValueError(f"not once in {fault.file}.py: {fault}")
    kept = {name: sys.modules.pop(name, None) for name in MODULES}
    try:
        for name in MODULES:
            code = CODE[name]
            if fault and fault.file == name:
                code = compile(SOURCES[name].replace(fault.text, fault.other), f"{name}.py", "exec")
            module = types.ModuleType(name)
            module.__file__ = str(HERE / f"{name}.py")
            sys.modules[name] = module
            exec(code, module.__dict__)
            if name == "bundles" and not (fault and fault.file == name):
                # The same keys again and again: what is slow about them is worked out once.
                module.__dict__["is_of_prime_order"] = is_of_prime_order
        return sys.modules["check_vectors"]
    finally:
        for name, known in kept.items():
            if known:
                sys.modules[name] = known
            else:
                sys.modules.pop(name, None)


def notices(fault: Fault) -> str | None:
    """The first case that shows a fault; nothing if none does."""
    return differs(peer_with(fault), fault.kinds)


def differs(changed: types.ModuleType, kinds: Iterable[str]) -> str | None:
    """The first case that comes out otherwise than its file says."""
    for kind in kinds:
        for case in cases(kind):
            try:
                found = changed.KINDS[kind](case["input"])
            except changed.peer.Refused as refused:
                found = {"error": str(refused)}
            except Exception as error:  # Bytes that a peer breaks over are noticed as well.
                found = repr(error)
            if not changed.same(found, case["expect"]):
                return f"{kind}: {case['name']}"
    return None


@functools.cache
def cases(kind: str) -> list[dict[str, Any]]:
    [file] = FOLDER.rglob(f"{kind}.json")
    found: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["cases"]
    return found


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [fault for fault in faults() if word in str(fault)]
    missed = []
    for fault in chosen:
        noticed = notices(fault)
        print("noticed" if noticed else "MISSED ", fault, "by" if noticed else "", noticed or "")
        missed += [] if noticed else [fault]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} faults are noticed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
