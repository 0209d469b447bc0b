"""Histories that nobody has thought of: steps drawn at random, all of them from one seed.

The seed fixes the steps, their order and what they are applied to. What happens at the same time
within one step (a burst of requests, a process that is killed) is left to the machine, as is where
exactly a packet was; so whoever looks for a rare order of these repeats the seed a few times.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.faults import nats_faults, postgres_faults
from tests.faults.evidence import Reply
from tests.faults.nats_faults import PUBLISH
from tests.faults.playbooks import HELLO, REFUSED
from tests.faults.sandboxes import Sandbox
from tests.faults.world import World
from tests.proxies.proxy import At

LENGTH = 14
"""Steps of a history."""
PATIENCE = 3.0
"""Seconds that an invocation may take: enough where all is well, soon over where nobody answers."""
WORDS = {"postgres": (b"resolve_start", b"record_start"), "nats": (PUBLISH,)}
RELAY_WORDS = {"postgres": (b"lease_owner", b"notified_at = now()"), "nats": (PUBLISH,)}
SQLSTATES = ("40001", "40P01", "53300", "57014", "25006", "53100")
OTHER = {"path": HELLO, "payload": {"name": "other"}}

# Without its partition the log looks as if nothing had happened; a test of its own has that.
POSTGRES_FAULTS = [
    fault
    for fault in postgres_faults.FAULTS
    if fault is not postgres_faults.Postgres.lose_partition
]


class History:
    """One history, as it happens.

    :ivar steps: what has happened, in words
    """

    def __init__(self, world: World, seed: int) -> None:
        self.steps: list[str] = []
        self._world = world
        self._random = Random(seed)
        self._keys: dict[str, tuple[int, ...]] = {}
        self._sandboxes: list[Sandbox] = []
        self._relays: list[Sandbox] = []

    def run(self) -> None:
        """Let it happen, and find nothing that is not as it must be."""
        self._happen()
        self._world.verify(self._world.sandbox("RelayFunction"))

    def violations(self) -> set[str]:
        """Let it happen, and tell which invariants do not hold afterwards."""
        self._happen()
        self._world.settle(self._world.sandbox("RelayFunction"))
        return {violation.invariant for violation in self._world.violations()}

    def _happen(self) -> None:
        """Take all steps, then have every caller who was not answered ask once more."""
        steps, weights = zip(*STEPS.items(), strict=True)
        for step in self._random.choices(steps, weights, k=LENGTH):
            self.steps.append(step.__name__)
            step(self)
        self._world.mend()
        answered = {reply.key for reply in self._world.replies if reply.execution_id}
        for key, deserved in self._keys.items():
            if f"http:anonymous:{key}" not in answered:
                self._world.start(self._world.sandbox(), key, deserved=deserved)

    # Requests

    def start(self) -> None:
        self._start(self._new_key())

    def ask_again(self) -> None:
        self._start(self._known_key())

    def reuse_a_key(self) -> None:
        key = self._known_key()
        self._keys[key] = (200, 422)
        self._start(key, **OTHER)

    def ask_in_vain(self) -> None:
        body, status = self._random.choice(REFUSED)
        key = f"refused-{self._random.getrandbits(32):x}"
        self._world.start(self._sandbox(), key, timeout=PATIENCE, deserved=(status, 503), **body)

    def start_many(self) -> None:
        self._world.start_many(self._sandbox(), self._random.randint(2, 20))

    def burst(self) -> None:
        """Several at once, under one key or under many, while something else happens."""
        key = self._new_key() if self._chance(0.5) else None
        keys = [key or self._new_key() for _ in range(self._random.randint(2, 8))]
        sandboxes = [self._sandbox() for _ in keys]
        meanwhile: Callable[[], object] = self._random.choice(
            [
                lambda: None,
                sandboxes[0].kill,
                self._world.postgres.terminate_backends,
                self._world.postgres.proxy.close_connections,
                self._world.nats.proxy.close_connections,
            ]
        )
        replies = [self._soon(one, sandbox) for one, sandbox in zip(keys, sandboxes, strict=True)]
        meanwhile()
        for reply in replies:
            reply.result(60)

    def trapped(self) -> None:
        """A start that is cut, lost or held at one point, and perhaps killed there."""
        proxy, words = self._place(WORDS)
        trap = proxy.trap(words, self._random.choice([*At]))
        sandbox, is_killed = self._sandbox(), self._chance(0.5)
        self.steps.append(f"  {trap.at.name} {trap.words!r}, killed: {is_killed}")
        reply = self._soon(self._new_key(), sandbox)
        while not (trap.sprung.wait(0.005) or reply.done()):
            pass
        if is_killed:
            sandbox.kill()
        reply.result(60)
        proxy.disarm()

    def failing(self) -> None:
        """A start that PostgreSQL refuses to record, once or again and again."""
        sqlstate, times = self._random.choice(SQLSTATES), self._random.choice([1, 10])
        with self._world.postgres.failing(sqlstate, times):
            self._start(self._new_key())

    # Sandboxes

    def freeze(self) -> None:
        """A pause, in which the peers may go, and a start after it."""
        seconds = self._random.choice([1, 60, 300, 3600])
        sandbox = self._sandbox()
        with sandbox.frozen(seconds):
            for server in (self._world.postgres, self._world.nats):
                self._random.choice(
                    [lambda: None, server.proxy.close_connections, server.proxy.lose_packets]
                )()
            self._world.pass_time(seconds)
        self._start(self._new_key(), sandbox)

    def set_a_clock(self) -> None:
        self._sandbox().clock_offset = self._random.choice([-3600.0, 0.0, 3600.0])

    def kill(self) -> None:
        self._sandbox().kill()

    # Relays

    def relay(self) -> None:
        self._world.relay(self._relay(), self._random.choice([5, 61, 61, 301, 901]))

    def two_relays(self) -> None:
        self._world.pass_time(61)
        relays = (self._relay(), self._world.sandbox("RelayFunction"))
        for run in [self._world.soon(self._world.relay, one) for one in relays]:
            run.result(60)

    def trapped_relay(self) -> None:
        """A relay that is cut, lost or held at one point, and killed there or not."""
        proxy, words = self._place(RELAY_WORDS)
        self._world.pass_time(61)
        trap = proxy.trap(words, self._random.choice([*At]))
        relay, is_killed = self._relay(), self._chance(0.5)
        self.steps.append(f"  {trap.at.name} {trap.words!r}, killed: {is_killed}")
        run = self._world.soon(self._world.relay, relay)
        while not (trap.sprung.wait(0.005) or run.done()):
            pass
        if is_killed:
            relay.kill()
        run.result(60)
        proxy.disarm()

    # Servers

    def break_postgres(self) -> None:
        fault = self._random.choice(POSTGRES_FAULTS)
        self.steps.append(f"  {fault.__name__}")
        fault(self._world.postgres)

    def break_nats(self) -> None:
        fault = self._random.choice(nats_faults.FAULTS)
        self.steps.append(f"  {fault.__name__}")
        fault(self._world.nats)

    def slow_down(self) -> None:
        server = self._random.choice([self._world.postgres, self._world.nats])
        server.proxy.delay = self._random.choice([0.02, 0.1])

    def cut_soon(self) -> None:
        """The next connection ends after some bytes."""
        server = self._random.choice([self._world.postgres, self._world.nats])
        server.proxy.close_connections()
        server.proxy.bytes_until_cut = self._random.randint(1, 2000)

    def mend(self) -> None:
        self._world.mend()

    # Others

    def claim(self) -> None:
        if executions := sorted(self._world.executions().values()):
            self._world.claim(self._random.choice(executions))

    def cancel(self) -> None:
        if executions := sorted(self._world.executions().values()):
            self._world.cancel(self._random.choice(executions))

    # What they are made of

    def _start(self, key: str, sandbox: Sandbox | None = None, **body: Any) -> Reply:
        deserved = (*self._keys[key], 503)
        return self._world.start(
            sandbox or self._sandbox(), key, timeout=PATIENCE, deserved=deserved, **body
        )

    def _soon(self, key: str, sandbox: Sandbox) -> Any:
        return self._world.soon(self._start, key, sandbox)

    def _new_key(self) -> str:
        key = f"key-{len(self._keys)}"
        self._keys[key] = (200,)
        return key

    def _known_key(self) -> str:
        return self._random.choice([*self._keys]) if self._keys else self._new_key()

    def _sandbox(self) -> Sandbox:
        """One of three, or a new one in place of one that has ended."""
        self._sandboxes = [one for one in self._sandboxes if one.is_alive]
        if len(self._sandboxes) < 3:
            wrong = {"NATS_URL": self._world.nats.proxy.url.replace("://", "://not-")}
            variables = wrong if self._chance(0.1) else {}
            self._sandboxes.append(self._world.sandbox(**variables))
        return self._random.choice(self._sandboxes)

    def _relay(self) -> Sandbox:
        self._relays = [one for one in self._relays if one.is_alive]
        if not self._relays:
            self._relays.append(self._world.sandbox("RelayFunction"))
        return self._relays[0]

    def _place(self, words: dict[str, tuple[bytes, ...]]) -> tuple[Any, bytes]:
        name = self._random.choice([*words])
        return getattr(self._world, name).proxy, self._random.choice(words[name])

    def _chance(self, of: float) -> bool:
        return self._random.random() < of


STEPS: dict[Callable[[History], None], int] = {
    History.start: 5,
    History.ask_again: 3,
    History.reuse_a_key: 1,
    History.ask_in_vain: 1,
    History.start_many: 1,
    History.burst: 3,
    History.trapped: 5,
    History.failing: 1,
    History.freeze: 2,
    History.set_a_clock: 1,
    History.kill: 1,
    History.relay: 4,
    History.two_relays: 1,
    History.trapped_relay: 2,
    History.break_postgres: 2,
    History.break_nats: 3,
    History.slow_down: 1,
    History.cut_soon: 1,
    History.mend: 5,
    History.claim: 1,
    History.cancel: 1,
}
"""How often each of them is drawn, as a ratio to the others."""
