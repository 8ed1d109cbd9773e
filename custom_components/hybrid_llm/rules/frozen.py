"""Frozen prompts: what was sent at a wake word is kept until its sentence. Pure; the time is an argument."""

from collections import OrderedDict

from .prompt import FrozenPrompt

FROZEN_SECONDS = 30.0
SAME_WAKE_SECONDS = 1.0
"""Time in which two signals are about the same wake word, whatever the pause between warm-ups."""
MAX_FROZEN = 32
"""With more, the oldest is dropped."""


class FrozenPrompts:
    """Prompts by the device that heard the wake word; None stands for a sentence without a device."""

    def __init__(self, cooldown: float) -> None:
        self._cooldown = cooldown
        self._frozen: OrderedDict[str | None, tuple[FrozenPrompt, float]] = OrderedDict()
        self._warmed: dict[str, float] = {}  # when each system text was last sent

    def __len__(self) -> int:
        return len(self._frozen)

    def is_recent(self, device: str | None, now: float) -> bool:
        """Return whether the device's prompt is young enough for another wake word of a burst, which then costs nothing."""
        _, made = self._frozen.get(device, (None, None))
        burst = max(min(self._cooldown, FROZEN_SECONDS), SAME_WAKE_SECONDS)
        return made is not None and now - made < burst

    def freeze(self, device: str | None, prompt: FrozenPrompt, now: float) -> bool:
        """Keep a prompt for the device's sentence; return whether the model is to read it now."""
        self._expire(now)
        self._frozen.pop(device, None)
        self._frozen[device] = (prompt, now)
        if len(self._frozen) > MAX_FROZEN:
            self._frozen.popitem(last=False)
        if now - self._warmed.get(prompt.system, float("-inf")) < self._cooldown:
            return False
        self._warmed = {text: at for text, at in self._warmed.items() if now - at < self._cooldown}
        self._warmed[prompt.system] = now
        return True

    def take(self, device: str | None, now: float) -> FrozenPrompt | None:
        """Remove and return the device's prompt, unless it has expired."""
        self._expire(now)
        prompt, _ = self._frozen.pop(device, (None, None))
        return prompt

    def forget_warm_ups(self) -> None:
        """Have the next wake word warm the model again, because it was away."""
        self._warmed.clear()

    def _expire(self, now: float) -> None:
        for device in [device for device, (_, made) in self._frozen.items() if now - made > FROZEN_SECONDS]:
            del self._frozen[device]
