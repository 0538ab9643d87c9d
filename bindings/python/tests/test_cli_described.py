"""Completion, the manual page and the guide know each command and option that the parser knows; shells and `man` take what they are given."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import REPOSITORY

from windlass_chat.cli import main
from windlass_chat.cli.arguments import parser
from windlass_chat.cli.described import SHELLS, commands_of
from windlass_chat.cli.output import Output

COMMANDS = commands_of(parser(Output(as_json=False)))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints."""
    assert main(arguments) == 0
    return capsys.readouterr().out


def options(name: str) -> Iterator[str]:
    """The long options of a command."""
    for action in COMMANDS[name][1]._actions:
        yield from (text for text in action.option_strings if text.startswith("--"))


def test_each_script_knows_all_and_its_shell_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for shell in SHELLS:
        script = printed(capsys, "completion", shell)
        for name in COMMANDS:
            assert re.search(rf"\b{name}\b", script)
            for option in options(name):
                assert option in script or f"-l {option[2:]} " in script, (shell, name, option)
        (tmp_path / shell).write_text(script)
        if shell == "bash" or shutil.which(shell) is not None:
            subprocess.run([shell, "-n", tmp_path / shell], check=True)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("windlass ver", ["verify"]),
        ("windlass co", ["contacts", "conversations", "copy", "completion"]),
        ("windlass init --l", ["--link"]),
        ("windlass completion f", ["fish"]),
        ("windlass s", ["send", "save", "shred"]),
        ("windlass send --f", ["--file", "--files"]),
        ("windlass save --to x", []),
        ("windlass invite --svg x", []),
        ("windlass --v", ["--version"]),
    ],
)
def test_bash_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: str, offered: list[str]) -> None:
    script = tmp_path / "windlass.bash"
    script.write_text(printed(capsys, "completion", "bash"))
    words = typed.split(" ")
    ask = f'. "$0"; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _windlass; printf "%s\\n" "${{COMPREPLY[@]}}"'
    ran = subprocess.run(["bash", "-c", ask, script], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == offered


def test_the_manual_page_renders_with_each_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "windlass.1"
    page.write_text(printed(capsys, "man"))
    shown = page.read_text().replace("\\-", "-")
    assert all(f".SS {name}\n" in shown for name in COMMANDS)
    if shutil.which("groff") is not None:
        warned = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-z", page], capture_output=True, text=True)
        assert warned.returncode == 0 and warned.stderr == ""
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    environment = {"PATH": "/usr/bin:/bin", "MANPAGER": "cat", "MANWIDTH": "100", "LC_ALL": "C", "TERM": "dumb"}
    ran = subprocess.run(["man", "-l", page], capture_output=True, text=True, env=environment)
    shown = re.sub(".\b", "", ran.stdout)
    assert ran.returncode == 0, ran.stderr
    for name in COMMANDS:
        for option in options(name):
            assert option in shown, (name, option)


def test_the_guide_tables_each_command_and_its_options() -> None:
    guide = (REPOSITORY / "docs/guide/command-line.md").read_text()
    for name in COMMANDS:
        assert re.search(rf"^\|.*`{name}\b", guide, re.MULTILINE), f"{name} is not in the table"
        for option in options(name):
            assert option in ("--help",) or option in guide, (name, option)
