"""Idempotency keys under concurrency, and what a refused request leaves."""

from __future__ import annotations

import pytest

from tests.faults.playbooks import HELLO, REFUSED


def test_fifty_at_once_under_one_key_are_one_execution(world, relay):
    sandboxes = [world.sandbox() for _ in range(10)]
    replies = [world.soon(world.start, sandboxes[number % 10], "order-1") for number in range(50)]
    answers = [reply.result(60) for reply in replies]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["execution_id"] for answer in answers}) == 1
    world.verify(relay)


def test_fifty_at_once_whose_sandboxes_are_killed_are_one_execution(world, relay):
    sandboxes = [world.sandbox() for _ in range(10)]
    replies = [world.soon(world.start, sandboxes[number % 10], "order-1") for number in range(50)]
    for sandbox in sandboxes[::2]:
        sandbox.kill()
    answers = [reply.result(60) for reply in replies]
    assert {answer.status for answer in answers} <= {200, None}
    assert world.start(world.sandbox(), "order-1").status == 200
    world.verify(relay)


def test_the_same_key_for_another_request_is_refused_and_leaves_nothing(world, sandbox, relay):
    first = world.start(sandbox, "order-1")
    other = world.start(sandbox, "order-1", path=HELLO, payload={"name": "other"})
    assert (first.status, other.status) == (200, 422)
    assert len(world.executions()) == 2
    world.verify(relay)


def test_two_requests_at_once_under_one_key_are_one_start_and_one_refusal(world, relay):
    sandboxes = [world.sandbox() for _ in range(2)]
    bodies = [{"name": "one"}, {"name": "other"}]
    replies = [
        world.soon(world.start, sandbox, "order-1", path=HELLO, payload=payload)
        for sandbox, payload in zip(sandboxes, bodies, strict=True)
    ]
    assert sorted(reply.result(20).status for reply in replies) == [200, 422]
    world.verify(relay)


def test_a_refused_request_leaves_nothing_and_its_key_is_free(world, sandbox, relay):
    for number, (body, status) in enumerate(REFUSED):
        assert world.start(sandbox, f"order-{number}", **body).status == status
    assert len(world.executions()) == 1
    for number in range(len(REFUSED)):
        assert world.start(sandbox, f"order-{number}").status == 200
    world.verify(relay)


@pytest.mark.parametrize("hours", [-1, 1], ids=["an hour slow", "an hour fast"])
def test_a_sandbox_whose_clock_is_wrong_starts_like_any_other(world, sandbox, relay, hours):
    wrong = world.sandbox()
    wrong.clock_offset = relay.clock_offset = hours * 3600
    first = world.start(wrong, "order-1")
    second = world.start(sandbox, "order-1")
    assert first.body == second.body
    assert world.start(wrong).status == 200
    world.verify(relay)


def test_a_clock_that_is_set_during_a_sandbox_s_life_does_no_harm(world, sandbox, relay):
    for offset in (3600, 0, -3600, 7200):
        sandbox.clock_offset = offset
        assert world.start(sandbox).status == 200
    world.verify(relay)
