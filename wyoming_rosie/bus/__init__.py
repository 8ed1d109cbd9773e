"""The bus: envelope, names, messages, and the clients of MQTT, Redis Streams and NATS JetStream."""
