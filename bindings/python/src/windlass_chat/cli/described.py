"""`completion` and `man`: what can be typed, for shells and as a manual page. Both come from the parser, and so know each command."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from windlass_chat.cli.output import Drawn, Output

SHELLS = ("bash", "fish", "zsh")


def completion(given: argparse.Namespace, out: Output) -> None:
    """Prints a script for a shell."""
    scripts = {"bash": _bash, "fish": _fish, "zsh": _zsh}
    out.result({}, Drawn("\n".join(scripts[given.shell](given.parser))))


def man(given: argparse.Namespace, out: Output) -> None:
    """Prints the manual page."""
    out.result({}, Drawn("\n".join(_man(given.parser))))


def commands_of(parser: argparse.ArgumentParser) -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """Each command with its help and its own parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            help = {one.dest: one.help or "" for one in action._choices_actions}
            return {name: (help[name], sub) for name, sub in action.choices.items()}
    return {}


def _options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.option_strings]


def _places(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if not action.option_strings and action.nargs != argparse.PARSER]


def _takes_value(action: argparse.Action) -> bool:
    return action.nargs != 0


# --- completion ------------------------------------------------------------------------------------------------------


def _bash(parser: argparse.ArgumentParser) -> Iterator[str]:
    commands = commands_of(parser)
    yield "# windlass completion bash > ~/.local/share/bash-completion/completions/windlass"
    yield "_windlass() {"
    yield '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" offered=""'
    yield "    COMPREPLY=()"
    yield '    if [ "$COMP_CWORD" -eq 1 ]; then'
    names = [*commands, *(name for action in _options(parser) for name in action.option_strings)]
    yield f"        COMPREPLY=($(compgen -W '{' '.join(names)}' -- \"$word\"))"
    yield "        return"
    yield "    fi"
    yield '    case "${COMP_WORDS[1]} $before" in'
    for name, (_, command) in commands.items():
        takers = [text for action in _options(command) if _takes_value(action) for text in action.option_strings]
        if takers:
            # Files, and what is not known here.
            pattern = "|".join(f'"{name} {taker}"' for taker in takers)
            yield f"    {pattern}) return ;;"
    yield "    esac"
    yield '    case "${COMP_WORDS[1]}" in'
    for name, (_, command) in commands.items():
        words = [text for action in _options(command) for text in action.option_strings]
        words += [str(choice) for action in _places(command) for choice in action.choices or ()]
        yield f"    {name}) offered='{' '.join(words)}' ;;"
    yield "    esac"
    yield '    COMPREPLY=($(compgen -W "$offered" -- "$word"))'
    yield "}"
    yield "complete -o default -o bashdefault -F _windlass windlass"


def _zsh(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield "#compdef windlass"
    yield "# windlass completion zsh > a file named _windlass in a folder of $fpath"
    yield "_windlass() {"
    yield "    local -a commands"
    yield "    commands=("
    for name, (help, _) in commands_of(parser).items():
        yield f"        {_quoted(f'{name}:{help}')}"
    yield "    )"
    yield "    if (( CURRENT == 2 )); then"
    yield "        _describe command commands"
    yield "        return"
    yield "    fi"
    yield "    case $words[2] in"
    for name, (_, command) in commands_of(parser).items():
        rows = [row for action in _options(command) for row in _zsh_option(action)]
        for number, action in enumerate(_places(command), start=1):
            what = f"({' '.join(map(str, action.choices))})" if action.choices else "_files"
            rows.append(_quoted(f"{number}:{action.metavar or action.dest}:{what}"))
        yield f"    {name}) shift words; (( CURRENT-- )); _arguments {' '.join(rows)} ;;"
    yield "    esac"
    yield "}"
    yield '_windlass "$@"'


def _zsh_option(action: argparse.Action) -> Iterator[str]:
    help = (action.help or "").replace("[", "(").replace("]", ")").replace(":", ",")
    value = f":{action.metavar or 'value'}:_files" if _takes_value(action) else ""
    for text in action.option_strings:
        yield _quoted(f"{text}[{help}]{value}")


def _fish(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield "# windlass completion fish > ~/.config/fish/completions/windlass.fish"
    commands = commands_of(parser)
    for name, (help, _) in commands.items():
        yield f"complete -c windlass -f -n __fish_use_subcommand -a {name} -d {_quoted(help, fish=True)}"
    for action in _options(parser):
        yield f"complete -c windlass -f -n __fish_use_subcommand {_fish_option(action)}"
    for name, (_, command) in commands.items():
        where = f"complete -c windlass -n '__fish_seen_subcommand_from {name}'"
        for action in _options(command):
            yield f"{where} {'-r ' if _takes_value(action) else ''}{_fish_option(action)}"
        for action in _places(command):
            if action.choices:
                yield f"{where} -f -a '{' '.join(map(str, action.choices))}'"


def _fish_option(action: argparse.Action) -> str:
    texts = (f"-l {text[2:]}" if text.startswith("--") else f"-s {text[1:]}" for text in action.option_strings)
    return f"{' '.join(texts)} -d {_quoted(action.help or '', fish=True)}"


def _quoted(text: str, fish: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("'", "\\'") if fish else text.replace("'", "'\\''")
    return f"'{text}'"


# --- the manual page -------------------------------------------------------------------------------------------------


def _man(parser: argparse.ArgumentParser) -> Iterator[str]:
    commands = commands_of(parser)
    yield f'.TH {parser.prog.upper()} 1 "" "" "User Commands"'
    yield ".SH NAME"
    yield f"{parser.prog} \\- {_roff((parser.description or '').rstrip('.'))}"
    yield ".SH SYNOPSIS"
    for name, (_, command) in commands.items():
        yield f".B {parser.prog} {_roff(name)}"
        for action in _places(command):
            shown = str(action.metavar or action.dest)
            yield _roff(f"[{shown}...]" if action.nargs == "*" else shown)
        yield "[options]"
        yield ".br"
    yield ".SH COMMANDS"
    for name, (_, command) in commands.items():
        yield f".SS {_roff(name)}"
        yield _roff(command.description or "")
        for action in _options(command):
            yield ".TP"
            value = f" {action.metavar}" if _takes_value(action) else ""
            yield f".B {_roff(', '.join(action.option_strings) + value)}"
            yield _roff(action.help or "")
    yield ".SH EXIT STATUS"
    for status, meaning in (
        ("0", "It is done."),
        ("1", "It failed; one line on standard error says why."),
        ("2", "It cannot be done as it was given."),
        ("130", "It was interrupted."),
    ):
        yield from (".TP", f".B {status}", _roff(meaning))
    yield ".SH ENVIRONMENT"
    yield from (".TP", ".B WINDLASS_TRANSPORT", "The transport, if no option names one.")
    yield from (".TP", ".B NO_COLOR", "If it is set there are no colours.")


def _roff(text: str) -> str:
    """A text as it is: nothing in it is a request, an escape, or a dash that cannot be copied."""
    text = text.replace("%%", "%").replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
