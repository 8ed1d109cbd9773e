"""The Wyoming protocol: codec, addresses, connections, server, client and discovery."""
