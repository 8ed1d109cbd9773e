# A satellite, for a machine with a microphone: give the container /dev/snd and the group audio.
#   docker build -f docker/satellite.Dockerfile -t wyoming-rosie-satellite .
FROM python:3.13-slim-bookworm AS build
WORKDIR /source
COPY requirements/satellite.txt requirements/satellite.txt
RUN python -m venv /opt/wyoming-rosie \
    && /opt/wyoming-rosie/bin/pip install --no-cache-dir --require-hashes --requirement requirements/satellite.txt
COPY . .
RUN /opt/wyoming-rosie/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --no-install-recommends -y libportaudio2 libasound2-plugins && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --groups audio --home-dir /data --create-home rosie
ENV PATH=/opt/wyoming-rosie/bin:$PATH PYTHONDONTWRITEBYTECODE=1 XDG_DATA_HOME=/data XDG_STATE_HOME=/data/state
COPY --from=build /opt/wyoming-rosie /opt/wyoming-rosie
USER 10001
VOLUME /data
EXPOSE 10700 11700 6053 10910/udp
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9470/health', timeout=4)"]
CMD ["wyoming-rosie-satellite", "--uri", "tcp://0.0.0.0:10700", "--no-zeroconf", "--http-port", "9470"]
