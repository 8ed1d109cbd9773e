# wake, vad, intent, tts and hub: one small image; the command says which program a container runs.
#   docker build -f docker/daemons.Dockerfile -t wyoming-rosie-daemons .
FROM python:3.13-slim-bookworm AS build
WORKDIR /source
COPY requirements/all.txt requirements/all.txt
RUN python -m venv /opt/wyoming-rosie \
    && /opt/wyoming-rosie/bin/pip install --no-cache-dir --require-hashes --requirement requirements/all.txt
COPY . .
RUN /opt/wyoming-rosie/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
ENV PATH=/opt/wyoming-rosie/bin:$PATH ORT_DISABLE_TELEMETRY=1 PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/data/cache XDG_DATA_HOME=/data XDG_STATE_HOME=/data/state
RUN useradd --system --uid 10001 --home-dir /data --create-home rosie
COPY --from=build /opt/wyoming-rosie /opt/wyoming-rosie
USER 10001
VOLUME /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9470/health', timeout=4)"]
CMD ["wyoming-rosie", "--help"]
