"""The bridge: voice, vision and model jobs over MQTT, Redis Streams and NATS JetStream."""

from wyoming_rosie.runtime import without_rich as without_rich  # before this package imports structlog
