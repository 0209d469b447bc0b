#!/bin/sh
# Asks a deployed stack whether it does what it should: verify_deployed.sh STACK [PLAYBOOK]
# Starts PLAYBOOK (examples/hello_world, which must be registered) once for real. Needs the AWS CLI and
# a login that may describe the stack, invoke its functions and simulate policies.
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

role=$(aws lambda get-function-configuration --function-name "$function" --query Role --output text)
for action in dynamodb:PutItem iam:PassRole s3:GetObject secretsmanager:PutSecretValue; do
    decision=$(aws iam simulate-principal-policy --policy-source-arn "$role" --output text \
        --action-names "$action" --query 'EvaluationResults[0].EvalDecision')
    case $decision in
        *Deny) echo "ok: the function may not $action" ;;
        *) fail "FAILED: the function may $action ($decision)" ;;
    esac
done
