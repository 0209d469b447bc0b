"""CloudFormation's custom resources: every event is answered, whatever the work does."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from urllib.error import URLError

import pytest

from control_plane import custom_resource
from control_plane.custom_resource import is_custom_resource, run_for_stack
from control_plane.errors import StoreUnavailable

EVENT = {
    "RequestType": "Create",
    "ResponseURL": "https://bucket.example/answer?X-Amz-Signature=0",
    "StackId": "arn:stack",
    "RequestId": "request-1",
    "LogicalResourceId": "Migration",
}


@pytest.fixture
def cloud(monkeypatch):
    """CloudFormation's bucket: keeps what is put into it after `failures` failed tries."""
    cloud = SimpleNamespace(failures=0, requests=[], pauses=[])

    def urlopen(request, timeout):
        if cloud.failures:
            cloud.failures -= 1
            raise URLError("unreachable")
        cloud.requests.append(request)
        return io.BytesIO()

    monkeypatch.setattr(custom_resource, "urlopen", urlopen)
    monkeypatch.setattr(custom_resource.time, "sleep", cloud.pauses.append)
    return cloud


def answer(cloud):
    (request,) = cloud.requests
    return json.loads(request.data)


def refuse(error):
    def work():
        raise error

    return work


def test_work_that_is_done_is_told_with_what_came_of_it(cloud):
    run_for_stack(EVENT, lambda: {"version": 5})
    assert answer(cloud) == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "Migration",
        "StackId": "arn:stack",
        "RequestId": "request-1",
        "LogicalResourceId": "Migration",
        "Data": {"version": 5},
    }


def test_the_answer_is_put_as_the_url_was_signed(cloud):
    run_for_stack(EVENT, dict)
    (request,) = cloud.requests
    assert request.get_method() == "PUT"
    assert request.full_url == EVENT["ResponseURL"]
    assert request.get_header("Content-type") == ""


def test_an_update_keeps_the_resource_that_there_is(cloud):
    run_for_stack(EVENT | {"RequestType": "Update", "PhysicalResourceId": "made-before"}, dict)
    assert answer(cloud)["PhysicalResourceId"] == "made-before"


def test_a_delete_succeeds_and_touches_nothing(cloud):
    run_for_stack(EVENT | {"RequestType": "Delete"}, refuse(AssertionError("work was done")))
    assert answer(cloud)["Status"] == "SUCCESS"


def test_a_failure_of_ours_is_told_in_its_words(cloud):
    run_for_stack(EVENT, refuse(StoreUnavailable("The database does not answer; try again")))
    assert answer(cloud)["Status"] == "FAILED"
    assert answer(cloud)["Reason"] == "The database does not answer; try again"


def test_any_other_failure_is_told_by_its_name_alone(cloud):
    run_for_stack(EVENT, refuse(ValueError("secret-marker")))
    assert answer(cloud)["Reason"] == "ValueError; the function's log has the details"


def test_a_long_reason_is_cut_to_what_cloudformation_takes(cloud):
    run_for_stack(EVENT, refuse(StoreUnavailable("😀" * 5000)))
    (request,) = cloud.requests
    assert len(request.data) <= 4096


def test_an_answer_that_does_not_get_through_is_sent_again(cloud):
    cloud.failures = 2
    run_for_stack(EVENT, dict)
    assert answer(cloud)["Status"] == "SUCCESS"
    assert cloud.pauses == [0.0, 1.0, 3.0]


def test_an_answer_that_never_gets_through_is_an_error(cloud):
    cloud.failures = 3
    with pytest.raises(URLError):
        run_for_stack(EVENT, dict)


@pytest.mark.parametrize(("event", "told"), [(EVENT, True), ({}, False)])
def test_a_bare_invocation_is_no_custom_resource(event, told):
    assert is_custom_resource(event) is told
