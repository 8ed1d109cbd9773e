"""Microphones and speakers: PortAudio devices, WAV files, standard streams, commands and Wyoming services."""
