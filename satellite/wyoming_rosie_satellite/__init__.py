"""The box in the room: microphone, wake word, speaker."""
