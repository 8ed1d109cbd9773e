# An add-on of Home Assistant, from the image of a role family:
#   docker build -f docker/daemons.Dockerfile -t wyoming-rosie-daemons .
#   docker build -f addons/add-on.Dockerfile --build-arg FAMILY=wyoming-rosie-daemons -t wyoming-rosie/amd64-daemons .
ARG FAMILY=wyoming-rosie-daemons
# hadolint ignore=DL3006
FROM ${FAMILY}
COPY addons/add_on.py /usr/local/bin/add_on.py
# The Supervisor's data folder belongs to root; add_on.py starts the program as the user 10001.
# hadolint ignore=DL3002
USER 0
ENTRYPOINT ["/bin/sh", "-c", "exec python3 /usr/local/bin/add_on.py \"$ROSIE_ROLE\""]
