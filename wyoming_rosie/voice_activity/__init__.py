"""When somebody speaks: Silero's network behind WebRTC's gate, and the rules that make starts and stops of it."""
