#!/bin/sh
# Writes into .env what docker-compose.yaml asks for and .env has not got. What is there stays.
set -eu
cd "$(dirname "$0")/.."
umask 077
[ -L .env ] || [ -e .env ] || touch .env
if [ -z "$(find .env -prune -type f -user "$(id -u)")" ]; then
  echo ".env holds secrets and has to be a file of your own, not a link, a directory or another user's file." >&2
  exit 1
fi
# A copy of .env.example can be read by everybody.
if [ -z "$(find .env -prune -perm 600)" ]; then
  chmod 600 .env
  echo ".env was open to other users. Its mode is now 0600. If other users work here, replace the secrets in it." >&2
fi
# The last line may lack its end.
[ -z "$(tail -c 1 .env)" ] || echo >> .env

hexadecimal() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
fernet_key() { head -c 32 /dev/urandom | base64 | tr '+/' '-_'; }

set_unless_there() {
  if ! grep -q "^$1=" .env; then
    echo "$1=$2" >> .env
    echo "  $1"
  fi
}

echo "Written into .env, unless it stood there:"
for name in POSTGRES OWNER LOADER ANALYST AIRFLOW REDIS; do
  set_unless_there "AGORA_${name}_PASSWORD" "$(hexadecimal 24)"
done
for name in ADMIN GRAFANA; do
  set_unless_there "AGORA_${name}_PASSWORD" "$(hexadecimal 8)"
done
set_unless_there AGORA_FERNET_KEY "$(fernet_key)"
set_unless_there AGORA_JWT_SECRET "$(hexadecimal 64)"
set_unless_there AGORA_API_SECRET_KEY "$(hexadecimal 64)"
set_unless_there AGORA_SANDBOX_CUSTOMER_ID "$(hexadecimal 16)"
set_unless_there AGORA_SANDBOX_CUSTOMER_CERTIFICATE "$(hexadecimal 16)"
echo "Keep it: without AGORA_FERNET_KEY Airflow cannot read its connections any more."
