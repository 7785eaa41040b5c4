# Image for Airflow's services and the sandbox.
FROM apache/airflow:slim-3.3.2-python3.11 AS wheel
WORKDIR /tmp/agora
COPY --chown=airflow:0 requirements/install.txt requirements/
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/install.txt
COPY --chown=airflow:0 pyproject.toml LICENSE ./
COPY --chown=airflow:0 dags dags
COPY --chown=airflow:0 plugins plugins
COPY --chown=airflow:0 sql sql
RUN pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /tmp/wheel .

FROM apache/airflow:slim-3.3.2-python3.11

COPY --chown=airflow:0 requirements/distributed.txt /opt/agora/requirements/
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /opt/agora/requirements/distributed.txt

# The sandbox writes its certificate here for the other services. A new volume inherits the directory's owner.
USER root
RUN install -d -o airflow -g 0 -m 0775 /opt/agora/certificates
USER airflow

WORKDIR /opt/agora
COPY --from=wheel /tmp/wheel wheel
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps wheel/*.whl
COPY --chown=airflow:0 dags dags
COPY --chown=airflow:0 sandbox sandbox
COPY --chown=airflow:0 deploy/compose deploy/compose

ENV PYTHONPATH=/opt/agora \
    PYTHONUNBUFFERED=1 \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/agora/dags \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__CORE__AUTH_MANAGER=airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager
