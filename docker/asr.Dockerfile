# Speech to text with Whisper. For an NVIDIA GPU, give the build --build-arg BASE=nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04
# and run it with the compose file's profile gpu.
#   docker build -f docker/asr.Dockerfile -t wyoming-rosie-asr .
ARG BASE=debian:trixie-slim
# hadolint ignore=DL3006
FROM ${BASE} AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --no-install-recommends -y python3 python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY requirements/whisper.txt requirements/whisper.txt
RUN python3 -m venv /opt/wyoming-rosie \
    && /opt/wyoming-rosie/bin/pip install --no-cache-dir --require-hashes --requirement requirements/whisper.txt
COPY . .
RUN /opt/wyoming-rosie/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

# hadolint ignore=DL3006
FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --no-install-recommends -y python3 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --create-home rosie
ENV PATH=/opt/wyoming-rosie/bin:$PATH ORT_DISABLE_TELEMETRY=1 PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/data/cache XDG_DATA_HOME=/data XDG_STATE_HOME=/data/state
COPY --from=build /opt/wyoming-rosie /opt/wyoming-rosie
USER 10001
VOLUME /data
EXPOSE 10300 11300
HEALTHCHECK --interval=30s --timeout=5s --start-period=300s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9470/health', timeout=4)"]
CMD ["wyoming-rosie-asr", "--uri", "tcp://0.0.0.0:10300", "--no-zeroconf", "--http-port", "9470", "--engine", "faster-whisper"]
