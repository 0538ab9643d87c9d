"""Every Python block of the guides is run, in an empty folder, as a reader would run it.

A block with `bot.run()` is a program: it is started, and asked to end once the next program begins or the guide is
over. The blocks in between are one script, which is given the program's invitation.
"""

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from mosquitto import PATIENCE, Broker

from windlass_chat import Bundle
from windlass_chat.transport import TransportError, transport_of

REPOSITORY = Path(__file__).parents[3]
GUIDES = sorted(path for path in (REPOSITORY / "docs/guide").glob("*.md") if "```python" in path.read_text())
BLOCK = re.compile(r"(?:^`(\w+\.py)`:\n\n)?^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""With the name of its file, if the guide says one right before it."""


def parts(guide: Path) -> list[str]:
    """Programs and scripts, in their order."""
    found: list[str] = []
    for _, block in BLOCK.findall(guide.read_text()):
        if found and "bot.run()" not in block and "bot.run()" not in found[-1]:
            found[-1] += "\n" + block
        else:
            found.append(block)
    return found


def counted(text: str) -> int:
    """Lines that are not empty."""
    return sum(bool(line.strip()) for line in text.splitlines())


def test_the_lines_of_the_comparison_are_counted() -> None:
    guides = REPOSITORY / "docs/guide"
    first, todo, page = ((guides / f"{name}.md").read_text() for name in ("first-bot", "todo-bot", "elsewhere"))
    blocks = [block for _, block in BLOCK.findall(first)]
    ours = [blocks[0], next(block for block in blocks if "scribe.wl" in block), BLOCK.findall(todo)[0][1]]
    theirs = re.findall(r"^```py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    for number, name in enumerate(("echo", "file", "to-do")):
        row = (name, *map(counted, (ours[number], theirs[number], theirs[number + 3])))
        assert "| {} | {} | {} | {} |".format(*row) in page
    for block in theirs:
        compile(block, "elsewhere", "exec")


class Program:
    """A program of a guide that runs on."""

    def __init__(self, path: Path, environment: dict[str, str]) -> None:
        self.shown, self.log = path.with_suffix(".txt"), path.with_suffix(".log")
        with self.shown.open("w") as shown, self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, path], cwd=path.parent, env=environment, stdout=shown, stderr=log
            )
        self._wait(self.shown, "WINDLASS:")
        self.invitation = self.shown.read_text().splitlines()[-1]
        Bundle.from_uri(self.invitation)
        self._wait(self.log, "started as")

    def _wait(self, file: Path, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        # What is there by now may end within a character.
        while text not in (written := file.read_text(errors="replace")) or not written.endswith("\n"):
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log.read_text()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_blocks_of_a_guide_run(guide: Path, tmp_path: Path) -> None:
    environment = os.environ | {"BOT_KEY": "0123456789abcdef" * 4}
    # A reader's program imports what is beside it.
    environment.pop("PYTHONSAFEPATH", None)
    folder = tmp_path / "reader"
    folder.mkdir()
    names = {block: name for name, block in BLOCK.findall(guide.read_text()) if name}
    with ExitStack() as until_the_end:
        if "mqtt://" in "".join(parts(guide)):
            broker = until_the_end.enter_context(Broker(tmp_path))
            environment["WINDLASS_TRANSPORT"] = broker.url
        program: Program | None = None
        for number, part in enumerate(parts(guide)):
            path = folder / names.get(part, f"part{number}.py")
            path.write_text(part)
            if "bot.run()" in part:
                if program is not None:
                    program.stop()
                program = Program(path, environment)
            else:
                arguments = [program.invitation] if program is not None else []
                ran = subprocess.run(
                    [sys.executable, path, *arguments],
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE,
                )
                assert ran.returncode == 0, ran.stderr
                print(ran.stdout)
        if program is not None:
            program.stop()


def test_the_first_bot_of_the_guide_is_the_example() -> None:
    example = (REPOSITORY / "examples/python/echo_bot.py").read_text()
    assert example in parts(REPOSITORY / "docs/guide/first-bot.md")


def test_nobody_is_told_to_install_somebody_elses_package() -> None:
    """On PyPI `windlass` is not ours, and `windlass-chat` is nobody's yet: what pip found would get the store's key."""
    told = [*(REPOSITORY / "docs/guide").glob("*.md"), *(REPOSITORY / "examples/python").glob("*.py")]
    told += (REPOSITORY / "bindings/python/src").rglob("*.py")
    by_name = re.compile(r"pip install(?: -\S+)* ['\"]?windlass(?:[-_.]chat)?(?![\w./*-])")
    for path in told:
        for line in path.read_text().splitlines():
            assert not by_name.search(line), f"{path}: {line}"


@pytest.mark.parametrize("text", ["README.md", "docs/guide/first-bot.md"])
def test_how_to_install_is_said_before_anything_is_imported(text: str) -> None:
    """Into an environment of its own: Debian's Python refuses packages."""
    before, imported, _ = (REPOSITORY / text).read_text().partition("windlass_chat import")
    assert imported
    steps = ["python3 -m venv", "/bin/activate", "pip install "]
    places = [before.find(step) for step in steps]
    assert -1 not in places and places == sorted(places)
    assert importlib.metadata.metadata("windlass-chat")["Name"] == "windlass-chat" and "`windlass-chat`" in before


def test_without_its_library_the_transport_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "windlass_chat.transport.mqtt", None)
    with pytest.raises(TransportError) as caught:
        transport_of("mqtt://localhost")
    (wanted,) = (one.partition(";")[0].strip() for one in importlib.metadata.requires("windlass-chat") or [])
    # Not the package: it is not published yet.
    assert str(caught.value).endswith(f"pip install '{wanted}'")


def test_the_service_of_the_guide_makes_its_store_at_the_first_start() -> None:
    unit = re.search(r"```ini\n(.*?)```", (REPOSITORY / "docs/guide/deploying.md").read_text(), re.DOTALL)
    assert unit is not None
    lines = [line.removeprefix("Environment=") for line in unit[1].splitlines() if line.startswith("Environment=")]
    settings = dict(setting.split("=", 1) for line in lines for setting in line.split())
    assert "WINDLASS_STORE" in settings and "WINDLASS_CREATE" not in settings


def test_the_guides_are_listed() -> None:
    listed = (REPOSITORY / "docs/guide/README.md").read_text()
    assert GUIDES and all(f"({guide.name})" in listed for guide in GUIDES)
