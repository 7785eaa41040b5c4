#!/bin/sh
# Add the passwords and keys that docker-compose.yaml requires to .env. Existing lines stay unchanged.
set -eu
cd "$(dirname "$0")/../.."
umask 077
[ -L .env ] || [ -e .env ] || touch .env
if [ -z "$(find .env -prune -type f -user "$(id -u)")" ]; then
  echo ".env holds secrets. It must be a regular file that belongs to you, not a link or a directory." >&2
  exit 1
fi
# A copy of .env.example is readable by other users.
if [ -z "$(find .env -prune -perm 600)" ]; then
  chmod 600 .env
  echo "Other users could read .env. Its mode is now 0600. If other people use this machine, replace its secrets." >&2
fi
# The last line may lack a newline.
[ -z "$(tail -c 1 .env)" ] || echo >> .env

hexadecimal() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
fernet_key() { head -c 32 /dev/urandom | base64 | tr '+/' '-_'; }

add_if_missing() {
  if ! grep -q "^$1=" .env; then
    echo "$1=$2" >> .env
    echo "  $1"
    added=yes
  fi
}

echo "Added to .env:"
added=
for name in POSTGRES OWNER LOADER ANALYST AIRFLOW REDIS; do
  add_if_missing "AGORA_${name}_PASSWORD" "$(hexadecimal 24)"
done
for name in ADMIN GRAFANA; do
  add_if_missing "AGORA_${name}_PASSWORD" "$(hexadecimal 8)"
done
add_if_missing AGORA_FERNET_KEY "$(fernet_key)"
add_if_missing AGORA_JWT_SECRET "$(hexadecimal 64)"
add_if_missing AGORA_API_SECRET_KEY "$(hexadecimal 64)"
add_if_missing AGORA_SANDBOX_CUSTOMER_ID "$(hexadecimal 16)"
add_if_missing AGORA_SANDBOX_CUSTOMER_CERTIFICATE "$(hexadecimal 16)"
[ -n "$added" ] || echo "  nothing, because all passwords and keys exist"
echo "Keep this file: without AGORA_FERNET_KEY, Airflow cannot decrypt its connections."
