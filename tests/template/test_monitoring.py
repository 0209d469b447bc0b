"""Alarms and dashboard: nobody is woken without being told what to do."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from local.cloudformation import Resolver, load
from tests.template.switches import SWITCHES

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


def test_the_dashboard_is_json(monitoring):
    parameters = {"StackName": "noetl", "HttpApiId": "abc", "ExecuteFunctionName": "execute"}
    body = monitoring["Resources"]["Dashboard"]["Properties"]["DashboardBody"]
    widgets = json.loads(Resolver(monitoring, parameters).resolve(body))["widgets"]
    assert len({(widget["x"], widget["y"]) for widget in widgets}) == len(widgets)


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
