"""The bridge: voice, vision and model jobs over MQTT, Redis Streams and NATS JetStream."""
