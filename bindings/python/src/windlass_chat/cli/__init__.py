"""The command `windlass`: stores, invitations, devices, backups, and a chat in the terminal.

    windlass init me.wl
    windlass invite me.wl
    windlass chat me.wl WINDLASS:... --transport mqtt://localhost

What opens the store is asked for, or comes from `--passphrase-env` or `--key-file`; never from the command line itself,
which other users of the machine can see.
"""

from windlass_chat.cli.run import main

__all__ = ["main"]
