"""Alarms and dashboard: nobody is woken without being told what to do."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from control_plane import errors
from control_plane.ports import Phases
from local.cloudformation import Resolver, load
from tests.template.switches import SWITCHES

ERRORS = {
    name: item
    for name, item in vars(errors).items()
    if isinstance(item, type) and issubclass(item, Exception)
}
TOLD = {errors.InvalidRequest, errors.StoreUnavailable}
"""Classes with subclasses, and raised themselves."""
NEVER_TOLD = {"BrokerUnavailable", "ConfigurationError"}
"""No request fails by the one (it is deferred), and the other one ends a sandbox at its start."""
OURS = [{"Name": "service", "Value": "noetl-control-plane"}]


@pytest.fixture(scope="module")
def monitoring(repository):
    return load(repository / "monitoring.yaml")


@pytest.fixture(scope="module")
def alarms(monitoring):
    return {
        name: resource["Properties"]
        for name, resource in monitoring["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def test_the_stack_within_gets_the_parameters_that_it_has(resolve, monitoring):
    given = resolve(**SWITCHES["alarms"]).of_type("AWS::CloudFormation::Stack")["Monitoring"]
    assert set(given["Parameters"]) == set(monitoring["Parameters"])


def test_every_alarm_names_a_section_that_exists(repository):
    operations = (repository / "docs" / "operations.md").read_text()
    sections = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", operations, re.MULTILINE)
    }
    files = [repository / "monitoring.yaml", *(repository / "platform").glob("*.yaml")]
    text = "".join(file.read_text() for file in files)
    links = re.findall(r"operations\.md#([\w-]+)", text)
    assert text.count("AWS::CloudWatch::Alarm") == len(links) > 9
    assert set(links) <= sections


def test_every_alarm_tells_the_topic_that_it_rises_and_that_it_is_over(alarms):
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == alarm["OKActions"]
        assert alarm["AlarmActions"]["Fn::If"][1] == [{"Ref": "AlarmTopicArn"}]


def test_a_metric_of_ours_has_the_dimension_service_only(alarms):
    ours = [alarm for alarm in alarms.values() if alarm.get("Namespace") == "NoETL"]
    assert ours
    assert all(alarm["Dimensions"] == OURS for alarm in ours)


def test_silence_is_an_alarm_of_the_relay_and_where_starts_are_expected(monitoring, alarms):
    assert monitoring["Resources"]["NoStartsAlarm"]["Condition"] == "IsBusy"
    breaching = {name for name, item in alarms.items() if item["TreatMissingData"] == "breaching"}
    assert breaching == {"NoStartsAlarm", "RelaySilentAlarm"}


@pytest.fixture(scope="module")
def widgets(monitoring):
    parameters = {"StackName": "noetl", "HttpApiId": "abc", "ExecuteFunctionName": "execute"}
    body = monitoring["Resources"]["Dashboard"]["Properties"]["DashboardBody"]
    return json.loads(Resolver(monitoring, parameters).resolve(body))["widgets"]


def test_no_two_widgets_of_the_dashboard_share_a_place(widgets):
    assert len({(widget["x"], widget["y"]) for widget in widgets}) == len(widgets)


def test_the_dashboard_shows_every_metric_that_the_code_has(widgets, repository):
    layer = repository / "layers" / "control_plane" / "control_plane"
    text = "".join(file.read_text() for file in layer.rglob("*.py"))
    counted = set(re.findall(r'add_metric\((?:name=)?"(\w+)"', text)) | {"Refused", "Failed"}
    phases = {f"{phase.title()}Ms" for phase in Phases._fields}
    ends = {name for name, error in ERRORS.items() if error in TOLD or not error.__subclasses__()}
    by_class = {f"Errors.{name}" for name in ends - NEVER_TOLD}
    rows = [row for widget in widgets for row in widget["properties"]["metrics"]]
    shown = {row[1] for row in rows if isinstance(row[1], str)}
    assert counted | phases | by_class <= shown
    assert {name for name in shown if name.startswith("Errors.")} == by_class


@pytest.mark.parametrize(("switch", "watched"), [("defaults", ""), ("alarms", "noetl-prod")])
def test_pinned_sessions_raise_an_alarm_where_there_is_a_proxy(
    resolve, monitoring, switch, watched
):
    given = resolve(**SWITCHES[switch]).of_type("AWS::CloudFormation::Stack")["Monitoring"]
    assert given["Parameters"]["DatabaseProxyName"] == watched
    assert monitoring["Resources"]["PinningAlarm"]["Condition"] == "HasProxy"


def test_cfn_lint_minds_nothing(sam_environment, repository):
    done = subprocess.run(
        [sam_environment / "bin/cfn-lint", "-t", repository / "monitoring.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_access_log_holds_neither_query_nor_headers(resolve):
    api = resolve().of_type("AWS::Serverless::HttpApi")["HttpApi"]
    fields = json.loads(api["AccessLogSettings"]["Format"])
    assert fields["route"] == "$context.routeKey"
    assert not re.search(r"query|header|path|body", str(fields))
