"""Key ring: signs packets with the present key, and reads those of the former one for a while. Pure; times in seconds of the own clock."""

from dataclasses import dataclass

from wyoming_rosie.wakeword.arbitration.packets import BadPacketError, Packet, PacketCodec

FORMER_KEY_SECONDS = 60.0
"""Time for which packets of the former key count after a change: others may get the new key a little later."""


@dataclass
class KeyRing:
    """Without a key it reads no packet, and there is none to send."""

    present: PacketCodec | None = None
    _former: PacketCodec | None = None
    _former_until: float = 0.0

    def change(self, codec: PacketCodec, now: float) -> None:
        """Sign with another key from now on."""
        self._former, self._former_until = self.present, now + FORMER_KEY_SECONDS
        self.present = codec

    def encode(self, packet: Packet) -> bytes:
        """Return a packet that is signed with the present key, which must be there."""
        assert self.present is not None
        return self.present.encode(packet)

    def decode(self, data: bytes, now: float) -> Packet:
        """Return a packet of a key that counts. Raises BadPacketError."""
        if self._former is not None and now < self._former_until:
            try:
                return self._former.decode(data)
            except BadPacketError:
                pass
        if self.present is None:
            raise BadPacketError("there is no key yet")
        return self.present.decode(data)
