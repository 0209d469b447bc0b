#!/bin/bash
# Makes the certificate of the NATS nodes, and the authority that signs it unless there is one:
#
#   platform/nats_certificate.sh nats.noetl.internal FOLDER
#
# FOLDER/authority.{key,pem}  valid ten years; keep the key apart, for the next certificate
# FOLDER/nats-tls.json        what the parameter NatsTlsSecretArn points at, with the private key of
#                             a certificate that is valid 825 days; delete it once it is stored
#
# The line on the output is the parameter NatsCa.
set -euo pipefail

name=${1:?"the name of NATS, as in the parameter NatsName"}
folder=${2:?"a folder"}

umask 077
mkdir -p "$folder"
cd "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
if [[ ! -e authority.key ]]; then
  openssl req -x509 "${key[@]}" -keyout authority.key -out authority.pem -days 3650 \
    -subj "/CN=$name authority" -addext keyUsage=critical,keyCertSign
fi

openssl req "${key[@]}" -keyout "$work/node.key" -out "$work/node.csr" -subj "/CN=$name"
# The nodes are each other's clients too, so the certificate is for both sides.
cat >"$work/extensions" <<EXTENSIONS
subjectAltName = DNS:$name, DNS:*.$name
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
EXTENSIONS
openssl x509 -req -in "$work/node.csr" -out "$work/node.pem" -days 825 -CA authority.pem \
  -CAkey authority.key -set_serial "0x$(openssl rand -hex 16)" -extfile "$work/extensions"

python3 - "$work/node.pem" "$work/node.key" authority.pem >nats-tls.json <<'PYTHON'
import json
import sys

files = zip(["certificate", "private_key", "ca"], sys.argv[1:])
print(json.dumps({name: open(path, encoding="ascii").read() for name, path in files}))
PYTHON
echo "NatsCa=$(openssl x509 -in authority.pem -outform DER | base64 | tr -d '\n')"
