"""Sensors about the last turn; they are disabled until someone wants them."""

from collections.abc import Callable
from dataclasses import dataclass

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription
from homeassistant.const import EntityCategory, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .conversation import create_device
from .runtime import HybridConfigEntry
from .turn import Tier, Turn

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class TurnSensorDescription(SensorEntityDescription):
    """A sensor, and how its value is read from a turn; None keeps the last value."""

    read: Callable[[Turn], str | float | None]


def _read_latency(turn: Turn) -> float | None:
    return None if turn.first_words_seconds is None else round(turn.first_words_seconds * 1000)


def _read_warmth(turn: Turn) -> str | None:
    return None if turn.is_warm is None else "warm" if turn.is_warm else "cold"


SENSORS = (
    TurnSensorDescription(
        key="time_to_first_token",
        translation_key="time_to_first_token",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.MILLISECONDS,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        read=_read_latency,
    ),
    TurnSensorDescription(
        key="prompt_cache",
        translation_key="prompt_cache",
        device_class=SensorDeviceClass.ENUM,
        options=["warm", "cold"],
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        read=_read_warmth,
    ),
    TurnSensorDescription(
        key="tier",
        translation_key="tier",
        device_class=SensorDeviceClass.ENUM,
        options=[tier.value for tier in Tier],
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        read=lambda turn: turn.tier.value,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: HybridConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of an entry."""
    async_add_entities(TurnSensor(entry, description) for description in SENSORS)


class TurnSensor(SensorEntity):
    """A value of the last turn."""

    entity_description: TurnSensorDescription
    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, entry: HybridConfigEntry, description: TurnSensorDescription) -> None:
        self.entity_description = description
        self._entry = entry
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = create_device(entry)

    async def async_added_to_hass(self) -> None:
        listeners = self._entry.runtime_data.listeners
        listeners.append(self._show)
        self.async_on_remove(lambda: listeners.remove(self._show))

    @callback
    def _show(self, turn: Turn) -> None:
        value = self.entity_description.read(turn)
        if value is not None:
            self._attr_native_value = value
            self.async_write_ha_state()
