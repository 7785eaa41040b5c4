#!/bin/sh
# Print the Secrets that deploy/kubernetes/*.yaml refers to, with values from .env:
# sh deploy/kubernetes/secrets.sh | kubectl apply --server-side -f -
# The script needs no cluster. It passes values through pipes, because other processes can list arguments.
set -eu
cd "$(dirname "$0")/../.."
if [ -z "$(find .env -prune -type f -user "$(id -u)" -perm 600)" ]; then
  echo ".env is missing, or other users can read it. Run \`make secrets\`: it writes .env readable only by you." >&2
  exit 1
fi
. ./.env
: "${AGORA_DATABASE_HOST:?is missing in .env: the PostgreSQL server address, as seen from the cluster}"
: "${AGORA_DATABASE_PORT:=5432}" "${AGORA_ADMIN_USER:=admin}"
for name in FERNET_KEY JWT_SECRET API_SECRET_KEY ADMIN_PASSWORD \
  OWNER_PASSWORD LOADER_PASSWORD ANALYST_PASSWORD AIRFLOW_PASSWORD REDIS_PASSWORD; do
  eval ": \"\${AGORA_$name:?is missing in .env: make secrets}\""
done
for name in AIRFLOW LOADER REDIS; do
  eval "password=\$AGORA_${name}_PASSWORD"
  case $password in
    *[!A-Za-z0-9._~-]*) echo "AGORA_${name}_PASSWORD is part of an address. Use only letters, digits and ._~-" >&2; exit 1 ;;
  esac
done

# Print the start of a Secret: secret NAME
secret() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata: {name: %s}\ndata:\n' "$1"
}
# Print an entry of this Secret: entry KEY VALUE
entry() {
  encoded=$(printf %s "$2" | base64)
  printf '  %s: "%s"\n' "$1" "$(printf %s "$encoded" | tr -d '\n')"
}

# For all Airflow components.
database="\"host\": \"$AGORA_DATABASE_HOST\", \"port\": $AGORA_DATABASE_PORT, \"schema\": \"warehouse\""
login="\"login\": \"loader\", \"password\": \"$AGORA_LOADER_PASSWORD\""
secret agora-airflow
entry fernet-key "$AGORA_FERNET_KEY"
entry jwt-secret "$AGORA_JWT_SECRET"
entry api-secret-key "$AGORA_API_SECRET_KEY"
entry connection "postgresql+psycopg2://airflow:$AGORA_AIRFLOW_PASSWORD@$AGORA_DATABASE_HOST:$AGORA_DATABASE_PORT/airflow"
entry warehouse "{\"conn_type\": \"postgres\", $database, $login}"
entry sslmode "${AGORA_DATABASE_SSLMODE:-prefer}"
entry sslrootcert "${AGORA_DATABASE_SSLROOTCERT:-}"

# For Redis and its clients. In a release named agora, the chart's Redis service is agora-redis.
secret agora-redis
entry password "$AGORA_REDIS_PASSWORD"
entry connection "redis://:$AGORA_REDIS_PASSWORD@agora-redis:6379/0"

# Only for the job that prepares the databases. Values that are missing in .env are left out.
secret agora-installation
for name in \
  AGORA_DATABASE_HOST AGORA_DATABASE_PORT AGORA_POSTGRES_PASSWORD AGORA_OWNER_PASSWORD AGORA_LOADER_PASSWORD \
  AGORA_ANALYST_PASSWORD AGORA_AIRFLOW_PASSWORD AGORA_ADMIN_USER AGORA_ADMIN_PASSWORD \
  AIRFLOW_CONN_AGORA_DASHBOARD AIRFLOW_VAR_AGORA_APPS; do
  eval "value=\${$name-}"
  [ -z "$value" ] || entry "$name" "$value"
done
