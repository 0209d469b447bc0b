#!/bin/sh
# Prints the name of a container image that can run the functions, building it when it is missing.
#
#     build.sh VERSION ARCHITECTURE OFFICIAL_IMAGE
#
# The official image of AWS is used where it is here or can be pulled. Else a stand-in is built: a
# small Debian 13, whose Python is 3.13, with Amazon's open runtime client for Python. `sam local`
# adds the emulator itself. The stand-in goes by a name of its own, so that nobody takes it for AWS's.
set -eu

version=$1 architecture=$2 official=$3
here=$(cd "$(dirname "$0")" && pwd)
lock=$here/../../requirements.lock
python=${PYTHON:-python3}
say() { echo "$*" >&2; }

# The tag changes with this folder and the pinned client, so a stale image is never taken.
# As AWS's own, it has boto3 beside the client.
names='awslambdaric|simplejson|snapshot-restore-py'
names="$names|boto3|botocore|jmespath|python-dateutil|s3transfer|six|urllib3"
pinned=$(sed -nE "s/^(($names)==[^ ]+).*/\1/p" "$lock")
digest=$( (cat "$here"/*; echo "$pinned") | sha256sum | cut -c1-12)
stand_in=noetl-serverless-stand-in-python:$version-$architecture-$digest

for image in "$official" "$stand_in"; do
    if docker image inspect "$image" >/dev/null 2>&1; then echo "$image"; exit; fi
done
if timeout 120 docker pull --quiet "$official" >/dev/null 2>&1; then echo "$official"; exit; fi
say "$official cannot be pulled: building a stand-in (half a minute, once)"

if [ "$version" != 3.13 ]; then say "no stand-in for Python $version"; exit 3; fi
if [ "$architecture" != "$(uname -m | sed s/aarch64/arm64/)" ]; then
    say "no stand-in for another processor than the host's"; exit 3
fi
if [ "$(id -u)" != 0 ]; then say "debootstrap needs root"; exit 3; fi
if ! command -v debootstrap >/dev/null; then say "debootstrap is not installed"; exit 3; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debootstrap --variant=minbase --include=ca-certificates,python3 trixie "$work/root" >"$work/log" 2>&1 ||
    { tail -n 20 "$work/log" >&2; exit 3; }
rm -rf "$work/root/var/cache/apt" "$work/root/var/lib/apt/lists"
mkdir -p "$work/root/var/runtime" "$work/root/var/task" "$work/root/opt"

machine=$(uname -m)
# shellcheck disable=SC2086  # several words
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --implementation cp --python-version "$version" --platform "manylinux2014_$machine" \
    --platform "manylinux_2_28_$machine" --target "$work/root/var/runtime" $pinned >&2

install -m 755 "$here/bootstrap" "$work/root/var/runtime/bootstrap"
tar -C "$work/root" -c . | docker import \
    --change 'ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime LANG=C.UTF-8' \
    --change 'WORKDIR /var/task' - "$stand_in" >&2
docker image ls --format '{{.Repository}}:{{.Tag}}' "${stand_in%%:*}" | grep -F ":$version-$architecture-" |
    grep -vFx "$stand_in" | xargs -r docker image rm >/dev/null 2>&1 || true
echo "$stand_in"
