"""The faster-whisper engine: Whisper on CTranslate2."""
