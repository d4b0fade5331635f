"""``similis completion``: a script that completes commands, options, networks and files in a shell."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

_BASH = """\
_similis() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}} options="{top}" names=""
    case $command in
{cases}
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
    elif [[ $COMP_CWORD == 1 ]]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
    elif [[ $COMP_CWORD == 2 ]]; then
        COMPREPLY=($(compgen -W "$names" -- "$word") $(compgen -f -- "$word"))
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}}
complete -o filenames -F _similis similis
"""


def completion(
    ctx: typer.Context,
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print a completion script.

    bash: source <(similis completion bash) in ~/.bashrc. zsh: the same with zsh, in ~/.zshrc. fish: similis completion
    fish > ~/.config/fish/completions/similis.fish.
    """
    from .._card import written

    assert ctx.parent is not None
    top: Any = ctx.parent.command
    networks = [card["name"] for card in written()]
    names = {"fit": networks, "show": networks, "reproduce": [*networks, "all"], "completion": ["bash", "zsh", "fish"]}
    typer.echo(_fish(top, names) if shell == "fish" else _bash(top, names, zsh=shell == "zsh"), nl=False)


def _options(command: Any) -> list[tuple[list[str], str]]:
    """Spellings of each option, and its help."""
    found = [
        ([*param.opts, *param.secondary_opts], param.help or "") for param in command.params if hasattr(param, "help")
    ]
    return [(spellings, text) for spellings, text in found if spellings[0].startswith("-")] + [
        (["--help", "-h"], "Help.")
    ]


def _bash(top: Any, names: dict[str, list[str]], *, zsh: bool) -> str:
    def words(command: Any) -> str:
        return " ".join(spelling for spellings, _ in _options(command) for spelling in spellings)

    cases = []
    for name, command in top.commands.items():
        second = " ".join(names.get(name, getattr(command, "commands", ())))
        cases.append(f'        {name}) options="{words(command)}" names="{second}" ;;')
    head = "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n" if zsh else ""
    return head + _BASH.format(cases="\n".join(cases), top=words(top), commands=" ".join(top.commands))


def _fish(top: Any, names: dict[str, list[str]]) -> str:
    lines = []
    for name, command in top.commands.items():
        said = (command.help or "").strip().splitlines()[0]
        lines.append(f"complete -c similis -n __fish_use_subcommand -f -a {name} -d {_quote(said)}")
        seen = f'-n "__fish_seen_subcommand_from {name}"'
        if name in names:
            lines.append(f"complete -c similis {seen} -a {_quote(' '.join(names[name]))}")
        for spellings, text in _options(command):
            flags = " ".join(f"-l {s[2:]}" if s.startswith("--") else f"-s {s[1:]}" for s in spellings)
            lines.append(f"complete -c similis {seen} {flags} -d {_quote(text)}")
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
