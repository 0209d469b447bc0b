#!/bin/sh
# Asks a deployed stack whether it does what it should: verify_deployed.sh STACK [PLAYBOOK]
# Starts PLAYBOOK (examples/hello_world, which must be registered) once for real. Needs the AWS CLI and
# a login that may describe the stack and RDS proxies, invoke functions, simulate policies and read
# metrics.
set -eu

stack=${1:?STACK} playbook=${2:-examples/hello_world}
key=verify-$(date +%s)-$$
answers=$(mktemp -d)
trap 'rm -rf "$answers"' EXIT

fail() { echo "$*" >&2; exit 1; }
output() {
    aws cloudformation describe-stacks --stack-name "$stack" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}
invoke() {
    aws lambda invoke --function-name "$function" --cli-binary-format raw-in-base64-out \
        --payload "{\"path\": \"$playbook\", \"idempotency_key\": \"$key\"}" "$answers/$1" >/dev/null
    grep -q '"execution_id"' "$answers/$1" || fail "FAILED: $1: $(cat "$answers/$1")"
    sed -E 's/.*"execution_id": *"([0-9]+)".*/\1/' "$answers/$1"
}

function=$(output ExecuteFunctionArn)
first=$(invoke start)
echo "ok: execution $first was started"
second=$(invoke replay)
[ "$first" = "$second" ] || fail "FAILED: the same key started $second as well"
grep -q '"replayed": *true' "$answers/replay" || fail "FAILED: not told as a replay"
echo "ok: the same key answers with the same execution"

for name in Execute Trigger Catalog Executions Relay; do
    role=$(aws lambda get-function-configuration --function-name "$(output ${name}FunctionArn)" \
        --query Role --output text)
    for action in dynamodb:PutItem iam:PassRole s3:GetObject secretsmanager:PutSecretValue; do
        decision=$(aws iam simulate-principal-policy --policy-source-arn "$role" --output text \
            --action-names "$action" --query 'EvaluationResults[0].EvalDecision')
        case $decision in
            *Deny) echo "ok: $name may not $action" ;;
            *) fail "FAILED: $name may $action ($decision)" ;;
        esac
    done
done

# What the starts of the last quarter of an hour have done to RDS Proxy; its metrics come a minute or
# two late, so the two starts above may not be among them yet.
host=$(aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Parameters[?ParameterKey=='DatabaseHost'].ParameterValue")
proxy=$(aws rds describe-db-proxies --output text --query "DBProxies[?Endpoint=='$host'].DBProxyName")
if [ -z "$proxy" ] || [ "$proxy" = None ]; then
    echo "not asked: pinning, for no RDS Proxy of this account is $host"
    exit 0
fi
now=$(date +%s)
pinned=$(aws cloudwatch get-metric-statistics --namespace AWS/RDS --output text \
    --metric-name DatabaseConnectionsCurrentlySessionPinned --statistics Maximum --period 60 \
    --dimensions "Name=ProxyName,Value=$proxy" --start-time $((now - 900)) --end-time "$now" \
    --query 'max(Datapoints[].Maximum)')
case $pinned in
    0 | 0.0) echo "ok: no connection of $proxy is pinned" ;;
    None) echo "not asked: pinning, for $proxy has no metrics yet; come again in two minutes" ;;
    *) fail "FAILED: $pinned connections of $proxy are pinned, see docs/operations.md#proxy-pinning" ;;
esac
