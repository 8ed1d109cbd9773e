"""Issues that Home Assistant shows under Repairs."""

from collections.abc import Iterable

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_MODEL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .client import Cause
from .const import CONF_FILLER_MODEL, DOMAIN

MODEL_MISSING, NO_TOOLS = "model_missing", "no_tools"


@callback
def report_models(hass: HomeAssistant, entry: ConfigEntry, models: Iterable[str]) -> None:
    """Show a repair if the server lacks one of the entry's models; forget what was wrong with earlier ones."""
    ir.async_delete_issue(hass, DOMAIN, f"{NO_TOOLS}_{entry.entry_id}")
    known = {name.removesuffix(":latest") for name in models}
    wanted = (entry.data.get(CONF_MODEL), entry.data.get(CONF_FILLER_MODEL))
    missing = [model for model in wanted if model and model.removesuffix(":latest") not in known]
    if missing:
        _create(hass, entry, MODEL_MISSING, missing[0], is_fixable=True)
    else:
        ir.async_delete_issue(hass, DOMAIN, f"{MODEL_MISSING}_{entry.entry_id}")


@callback
def update_issues(hass: HomeAssistant, entry: ConfigEntry, cause: Cause | None) -> None:
    """Show the repair for a failure; a success, which is None, ends that for a missing model."""
    if cause is Cause.NO_MODEL:
        _create(hass, entry, MODEL_MISSING, entry.data[CONF_MODEL], is_fixable=True)
    elif cause is Cause.NO_TOOLS:
        _create(hass, entry, NO_TOOLS, entry.data[CONF_MODEL], is_fixable=False)
    elif cause is None:
        ir.async_delete_issue(hass, DOMAIN, f"{MODEL_MISSING}_{entry.entry_id}")


@callback
def delete_issues(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Forget all issues of an entry."""
    for key in (MODEL_MISSING, NO_TOOLS):
        ir.async_delete_issue(hass, DOMAIN, f"{key}_{entry.entry_id}")


def _create(hass: HomeAssistant, entry: ConfigEntry, key: str, model: str, *, is_fixable: bool) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{key}_{entry.entry_id}",
        data={"entry_id": entry.entry_id, "model": model},
        is_fixable=is_fixable,
        severity=ir.IssueSeverity.ERROR if is_fixable else ir.IssueSeverity.WARNING,
        translation_key=key,
        translation_placeholders={"model": model, "title": entry.title},
    )
