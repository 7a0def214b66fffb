"""Groups of commands that cost nothing until one of them runs."""

from __future__ import annotations

import importlib

import click


class LazyGroup(click.Group):
    """A group that imports a subcommand only when it is used, so that `face1d --help` is instant."""

    def __init__(self, *args: object, lazy: dict[str, tuple[str, str]], **kwargs: object) -> None:
        """`lazy` maps a name to (module with a click command called `command`, one line of help)."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._lazy = lazy

    def list_commands(self, context: click.Context) -> list[str]:
        """All names, in the order given."""
        return [*self._lazy, *super().list_commands(context)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import the command."""
        if name not in self._lazy:
            return super().get_command(context, name)
        command = importlib.import_module(self._lazy[name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._lazy.items()])
