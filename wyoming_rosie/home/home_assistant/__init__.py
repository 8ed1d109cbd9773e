"""Home Assistant's client, shared by the programs that use its home or act through it."""
