/* Timers: timers, alarms and reminders of all rooms. */

import { part } from "../api.js";
import { button, element, field, nothing, replace, setText, showList } from "../dom.js";
import { formatMoment, now, words } from "../format.js";
import { ICONS } from "../icons.js";
import { formatDuration } from "../../timers.js";
import { text as t } from "../../text.js";

const TICK_MS = 1000;
const COUNTED = ["timer", "command"];

export const timers = { id: "timers", title: "Timers", scope: "read", icon: ICONS.timers, open: openTimers };

function openTimers(page) {
  const list = element("ul", { class: "cards" });
  const empty = nothing(t("No timer runs."), element("p", {}, t("Say “set a timer for five minutes”.")));
  let known = [];
  empty.hidden = true;

  function show() {
    empty.hidden = known.length > 0;
    showList(list, known, (timer) => timer.id, (timer) => createTimer(page, timer, loadTimers));
  }

  function take(timers) {
    const at = now();
    known = timers.map((timer) => Object.assign({ countedAt: at }, timer)).sort((one, other) => one.ends_at - other.ends_at);
    show();
  }

  async function loadTimers() {
    take(await page.api.get("timers"));
  }

  if (page.may("act")) {
    const form = createForm(page, loadTimers);
    page.add(form);
    page.load(async () => form.setSatellites((await page.shell.loadStatus()).satellites));
  }
  page.add(empty, list);
  page.load(loadTimers);
  page.listen("timers", take);
  page.every(TICK_MS, show);
}

function createTimer(page, timer, reload) {
  const left = element("p", { class: "big" });
  const facts = element("p", { class: "soft" });
  const title = timer.name || t(words(timer.kind));
  const card = element("li", { class: "card timer-card" }, element("h3", {}, title), left, facts);
  if (page.may("act")) {
    const cancel = () => page.attempt(() => page.api.delete("timers/" + part(timer.id))).then(() => page.run(reload));
    card.appendChild(button(t("Cancel"), cancel, { "aria-label": t("Cancel {name}", { name: title }) }));
  }
  card.update = (known) => {
    const passed = known.is_active ? now() - known.countedAt : 0;
    const isCounted = COUNTED.indexOf(known.kind) >= 0;
    setText(left, isCounted ? formatDuration(Math.max(0, known.seconds_left - passed)) : formatMoment(known.ends_at));
    const until = known.is_active ? isCounted && t("until {time}", { time: formatMoment(known.ends_at) }) : t("paused");
    setText(facts, [known.area || known.satellite, until].filter(Boolean).join(" · "));
  };
  return card;
}

function createForm(page, reload) {
  const minutes = element("input", { type: "number", min: 0, max: 1440, value: 5, required: true });
  const seconds = element("input", { type: "number", min: 0, max: 59, value: 0, required: true });
  const name = element("input", { type: "text", maxlength: 128, placeholder: t("tea") });
  const where = element("select", {});
  const fields = [field(t("Minutes"), minutes), field(t("Seconds"), seconds), field(t("Name"), name), field(t("Rings at"), where)];
  const start = element("button", { class: "primary", type: "submit" }, t("Start"));
  const form = element("form", { class: "card row-form timer-form", "aria-label": t("New timer"), hidden: true }, fields, start);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { seconds: 60 * Number(minutes.value) + Number(seconds.value), name: name.value.trim() || null, satellite: where.value };
    await page.attempt(() => page.api.post("timers", body));
    page.run(reload);
  });
  form.setSatellites = (satellites) => {
    const ids = satellites.filter((one) => one.is_connected).map((one) => one.id).sort();
    form.hidden = ids.length === 0;
    replace(where, ids.map((id) => element("option", { value: id }, id)));
  };
  return form;
}
