# One target a service: docker build --target gateway . (or config, agent, leads)
#
# An image holds Python, the service's locked packages, `shared` and the service's own folder:
# no compiler, no npm, no stand-ins. The process runs as user bolchaal (10001) and owns nothing but
# the folders that it writes.
ARG PYTHON_IMAGE=python:3.11-slim
ARG NODE_IMAGE=node:24-slim


# --- packages, in stages of their own, so that pip stays out of the images ---
FROM ${PYTHON_IMAGE} AS pip
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN ["python3", "-m", "venv", "--without-pip", "/opt/venv"]

FROM pip AS gateway-packages
COPY requirements/gateway.txt ./
RUN pip --python /opt/venv/bin/python install --require-hashes -r gateway.txt

FROM pip AS config-packages
COPY requirements/config.txt ./
RUN pip --python /opt/venv/bin/python install --require-hashes -r config.txt

FROM pip AS leads-packages
COPY requirements/leads.txt ./
RUN pip --python /opt/venv/bin/python install --require-hashes -r leads.txt

FROM pip AS agent-packages
COPY requirements/agent.txt ./
RUN pip --python /opt/venv/bin/python install --require-hashes -r agent.txt


# --- the page's script and fonts ---
FROM ${NODE_IMAGE} AS npm
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN ["npm", "ci", "--ignore-scripts"]

FROM ${PYTHON_IMAGE} AS assets
WORKDIR /build
COPY services/__init__.py services/
COPY services/gateway/__init__.py services/gateway/
COPY services/gateway/page/__init__.py services/gateway/page/assets.py services/gateway/page/
COPY shared/locales/*.toml shared/locales/
COPY --from=npm /build/node_modules /tmp/node_modules
RUN ["python3", "-m", "services.gateway.page.assets", "/tmp/node_modules"]


# --- what all services share ---
FROM ${PYTHON_IMAGE} AS service
RUN ["useradd", "--uid", "10001", "--no-create-home", "--home-dir", "/tmp", "--shell", "/usr/sbin/nologin", "bolchaal"]
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BIND_ADDRESS=0.0.0.0 \
    HEALTH_PORT=8080
COPY deploy/healthcheck.py ./
COPY services/__init__.py services/
STOPSIGNAL SIGTERM


FROM service AS gateway
COPY --from=gateway-packages /opt/venv /opt/venv
COPY shared shared
COPY services/gateway services/gateway
COPY --from=assets /build/services/gateway/static/vendor services/gateway/static/vendor
ENV WEB_PORT=3000
EXPOSE 3000
USER bolchaal
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "healthcheck.py", "WEB_PORT"]
CMD ["python", "-m", "services.gateway"]


FROM service AS config
COPY --from=config-packages /opt/venv /opt/venv
COPY shared shared
COPY services/config services/config
EXPOSE 8080
USER bolchaal
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "healthcheck.py", "HEALTH_PORT"]
CMD ["python", "-m", "services.config"]


FROM service AS leads
COPY --from=leads-packages /opt/venv /opt/venv
COPY shared shared
COPY services/leads services/leads
COPY bin/bolchaal /usr/local/bin/
EXPOSE 8080
USER bolchaal
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "healthcheck.py", "HEALTH_PORT"]
CMD ["python", "-m", "services.leads"]


# Ready once it has registered with LiveKit, hence the longer start. The end-of-turn weights stay
# unloaded: turns are ended by the voice activity detector, and they cost 250 MB.
FROM service AS agent
COPY --from=agent-packages /opt/venv /opt/venv
COPY shared shared
COPY services/agent services/agent
ENV LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE=0 \
    SPOOL_DIR=/var/lib/bolchaal/spool
RUN ["sh", "-c", "mkdir -p /var/lib/bolchaal/spool && chown -R bolchaal /var/lib/bolchaal"]
EXPOSE 8080
USER bolchaal
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "healthcheck.py", "HEALTH_PORT"]
CMD ["python", "-m", "services.agent"]
