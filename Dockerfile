# The first stage builds the environment, the second only takes it over: no compiler, no pip cache, no sources.
FROM python:3.11-slim AS build

# aws signs for SES; an image without it is a good deal smaller: --build-arg EXTRAS=
ARG EXTRAS=aws

WORKDIR /src
RUN python -m venv /opt/sendgate
COPY pyproject.toml constraints.txt README.md ./
COPY policy ./policy
COPY proxy ./proxy
RUN /opt/sendgate/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".[${EXTRAS}]"


FROM python:3.11-slim

RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin sendgate \
    && install --directory --owner=sendgate --group=sendgate --mode=0700 /data

COPY --from=build /opt/sendgate /opt/sendgate
COPY config.yaml config.schema.json /etc/sendgate/

# Senders, providers, recipients and Prometheus come from outside. The API stays on the container's own loopback: as long
# as config.yaml has no api.keys, whoever reached it might do everything.
ENV PATH=/opt/sendgate/bin:$PATH \
    SENDGATE_LISTEN_PROXY=0.0.0.0:8080 \
    SENDGATE_LISTEN_API=127.0.0.1:8081 \
    SENDGATE_LISTEN_PUBLIC=0.0.0.0:8082 \
    SENDGATE_LISTEN_OPS=0.0.0.0:8083 \
    SENDGATE_STORE_PATH=/data/sendgate.db

WORKDIR /etc/sendgate
VOLUME /data
USER sendgate
EXPOSE 8080 8082 8083
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s CMD ["sendgate", "health"]
ENTRYPOINT ["sendgate"]
CMD ["serve"]
