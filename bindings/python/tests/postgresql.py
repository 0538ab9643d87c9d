"""A real PostgreSQL server of a test's own, reached by a socket in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

NOBODY = 65534


def tools() -> Path:
    """Where the server's programs are, or a skip; with CI set a missing one is a failure."""
    found = shutil.which("initdb")
    # Debian keeps them out of the path.
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found is None and not debian:
        reason = "there is no PostgreSQL"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(found).parent if found is not None else debian[-1].parent


class Server:
    """A context manager. It syncs as one in earnest."""

    def __init__(self) -> None:
        self.tools = tools()
        # A socket's path has no room for that of a test.
        self.folder = Path(tempfile.mkdtemp(prefix="wl-pg"))
        self.folder.chmod(0o755)
        # It refuses to run as root.
        self.user = NOBODY if os.getuid() == 0 else None
        if self.user is not None:
            os.chown(self.folder, self.user, self.user)
        self.data = self.folder / "data"
        self.run("initdb", "-U", "owner", "-A", "trust", "-N", "-E", "UTF8", "--locale=C", "-D", str(self.data))
        settings = ("listen_addresses = ''", f"unix_socket_directories = '{self.folder}'", "shared_buffers = 32MB")
        (self.data / "postgresql.auto.conf").write_text("\n".join(settings) + "\n")

    def address(self, store: str) -> str:
        """Of a store."""
        return f"postgresql://owner@/postgres?host={self.folder}&store={store}"

    def start(self) -> None:
        """Returns when it takes connections."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str) -> None:
        """`fast` as an administrator would, `immediate` as a machine that loses its power."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def run(self, tool: str, *arguments: str) -> None:
        """One of its programs."""
        command = [str(self.tools / tool), *arguments]
        # What it starts would keep a pipe open.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                command, cwd=self.folder, user=self.user, group=self.user, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False
            )
            said.seek(0)
            assert done.returncode == 0, f"{command}: {said.read().decode()}"

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)
