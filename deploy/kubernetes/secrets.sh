#!/bin/sh
# Print the Secrets that deploy/kubernetes/*.yaml refers to, with values from .env:
# sh deploy/kubernetes/secrets.sh | kubectl apply --server-side -f -
# The script needs kubectl, but no cluster. It passes values through pipes, because other processes can list arguments.
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

secret() {
  echo ---
  kubectl create secret generic "$1" --from-env-file=/dev/stdin --dry-run=client --output=yaml
}

# For all Airflow components.
secret agora-airflow <<END
fernet-key=$AGORA_FERNET_KEY
jwt-secret=$AGORA_JWT_SECRET
api-secret-key=$AGORA_API_SECRET_KEY
connection=postgresql+psycopg2://airflow:$AGORA_AIRFLOW_PASSWORD@$AGORA_DATABASE_HOST:$AGORA_DATABASE_PORT/airflow
warehouse={"conn_type": "postgres", "host": "$AGORA_DATABASE_HOST", "port": $AGORA_DATABASE_PORT, "schema": "warehouse", "login": "loader", "password": "$AGORA_LOADER_PASSWORD"}
sslmode=${AGORA_DATABASE_SSLMODE:-prefer}
sslrootcert=${AGORA_DATABASE_SSLROOTCERT:-}
END

# For Redis and its clients. In a release named agora, the chart's Redis service is agora-redis.
secret agora-redis <<END
password=$AGORA_REDIS_PASSWORD
connection=redis://:$AGORA_REDIS_PASSWORD@agora-redis:6379/0
END

# Only for the job that prepares the databases. Values that are missing in .env are left out.
for name in \
  AGORA_DATABASE_HOST AGORA_DATABASE_PORT AGORA_POSTGRES_PASSWORD AGORA_OWNER_PASSWORD AGORA_LOADER_PASSWORD \
  AGORA_ANALYST_PASSWORD AGORA_AIRFLOW_PASSWORD AGORA_ADMIN_USER AGORA_ADMIN_PASSWORD \
  AIRFLOW_CONN_AGORA_DASHBOARD AIRFLOW_VAR_AGORA_APPS; do
  eval "value=\${$name-}"
  [ -z "$value" ] || printf '%s=%s\n' "$name" "$value"
done | secret agora-installation
