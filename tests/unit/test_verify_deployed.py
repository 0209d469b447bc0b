"""The check of a deployed stack, with a stand-in for the AWS CLI: when it passes and fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "verify_deployed.sh"
AWS = """#!/bin/sh
for last; do :; done
case "$1 $2" in
    "cloudformation describe-stacks") echo arn:aws:lambda:eu-central-1:1:function:x:live ;;
    "rds describe-db-proxies") echo "$PROXY" ;;
    "cloudwatch get-metric-statistics") echo "$PINNED" ;;
    "lambda invoke")
        if [ -e "$STATE" ]; then echo "$SECOND" >"$last"
        else touch "$STATE"; echo '{"execution_id": "7", "status": "started"}' >"$last"; fi ;;
    "lambda get-function-configuration") echo arn:aws:iam::123456789012:role/execute ;;
    "iam simulate-principal-policy") echo "$DECISION" ;;
esac
"""
REPLAY = '{"execution_id": "7", "status": "started", "replayed": true}'


def verify(folder, second=REPLAY, decision="implicitDeny", proxy="noetl", pinned="0.0"):
    (folder / "aws").write_text(AWS)
    (folder / "aws").chmod(0o755)
    given = {"STATE": str(folder / "state"), "SECOND": second, "DECISION": decision}
    given |= {"PROXY": proxy, "PINNED": pinned}
    return subprocess.run(
        ["sh", SCRIPT, "noetl"],
        env={"PATH": f"{folder}:{os.defpath}"} | given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_stack_that_does_what_it_should_passes(tmp_path):
    done = verify(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert len(said) == 2 + 5 * 4 + 1
    assert all(line.startswith("ok: ") for line in said)


@pytest.mark.parametrize("without", [{"proxy": ""}, {"proxy": "None"}, {"pinned": "None"}])
def test_what_cannot_be_asked_is_not_called_ok(tmp_path, without):
    done = verify(tmp_path, **without)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("not asked: pinning")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"second": REPLAY.replace("7", "8")}, "the same key started 8"),
        ({"second": REPLAY.replace("true", "false")}, "not told as a replay"),
        ({"second": '{"errorType": "StoreUnavailable"}'}, "StoreUnavailable"),
        ({"decision": "allowed"}, "Execute may dynamodb:PutItem"),
        ({"pinned": "3.0"}, "3.0 connections of noetl are pinned"),
    ],
)
def test_a_stack_that_does_not_fails_and_says_what(tmp_path, wrong, said):
    done = verify(tmp_path, **wrong)
    assert done.returncode == 1
    assert said in done.stderr
