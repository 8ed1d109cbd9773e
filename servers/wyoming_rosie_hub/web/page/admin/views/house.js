/* House: the rooms and their satellites with live levels, what needs attention, and announcements. */

import { part } from "../api.js";
import { createLevelMeter } from "../charts.js";
import { button, element, field, nothing, replace, setText, showList } from "../dom.js";
import { count, formatAgo, formatMs, now, phaseOf, problemsOf, programName } from "../format.js";
import { ICONS } from "../icons.js";
import { answerMs } from "../turn-stages.js";
import { text as t } from "../../text.js";

const EVERYWHERE = "";
const NO_ROOM = "No room yet";
const ABSENT = "It does not answer. See whether it is switched on and in the network of the house.";
const CARD_REM = 20;
const WIDEST_CARD_REM = 27;

export const house = { id: "house", title: "House", scope: "read", icon: ICONS.house, open: openHouse };

function openHouse(page) {
  const attention = element("ul", { class: "attention", "aria-label": t("Needs attention") });
  const rooms = element("div", { class: "rooms" });
  const announcement = page.may("act") ? createAnnouncement(page) : null;
  const state = { satellites: [], turns: [] };
  page.add(attention, announcement, rooms);

  function show() {
    showRooms(page, rooms, state);
    if (announcement !== null) {
      announcement.setSatellites(state.satellites);
    }
  }

  page.load(async () => {
    const status = await page.shell.loadStatus();
    state.satellites = status.satellites;
    state.turns = await page.api.get("turns?limit=100");
    showAttention(attention, status);
    show();
  });
  page.listen("status", (status) => {
    state.satellites = status.satellites;
    showAttention(attention, status);
    show();
  });
  page.listen("satellite", (satellite) => {
    state.satellites = state.satellites.filter((one) => one.id !== satellite.id && one.id !== satellite.uri).concat(satellite);
    show();
  });
  page.listen("turn", (turn) => {
    state.turns = [turn].concat(state.turns.filter((one) => one.turn_id !== turn.turn_id));
    show();
  });
  page.listen("levels", (levels) => {
    const card = Array.from(rooms.querySelectorAll(".satellite")).find((one) => one.dataset.key === levels.satellite);
    if (card !== undefined) {
      card.meter.setLevel(levels.level_dbfs, levels.noise_dbfs);
    }
  });
}

function showAttention(list, status) {
  const failing = status.daemons.filter((daemon) => problemsOf(daemon).length > 0);
  showList(list, failing, (daemon) => daemon.role, (daemon) => {
    const text = element("p", {});
    const step = element("p", { class: "next-step" });
    const item = element("li", { class: "notice" }, element("div", {}, text, step), element("a", { href: "#daemons" }, t("Look")));
    item.update = (known) => {
      setText(text, programName(daemon.role) + " (" + daemon.role + "): " + problemsOf(known).join(" "));
      setText(step, known.next_step || "");
    };
    return item;
  });
  list.hidden = failing.length === 0;
}

function showRooms(page, root, state) {
  if (state.satellites.length === 0) {
    replace(root, createWelcome());
    return;
  }
  if (root.querySelector(".nothing") !== null) {
    root.textContent = "";
  }
  const names = Array.from(new Set(state.satellites.map((one) => one.area || t(NO_ROOM)))).sort((one, other) => one.localeCompare(other));
  showList(root, names, (name) => name, (name) => createRoom(page, name, state));
}

function createWelcome() {
  return nothing(
    t("No satellite is connected yet. A satellite is what listens and speaks in a room."),
    element("p", {}, element("a", { href: "/" }, t("Talk from this browser")), t(", which makes it one;")),
    element("p", {}, t("or run"), " ", element("code", {}, "wyoming-rosie-satellite"), " ", t("on a machine with a microphone, and give the hub its address:"), " ", element("code", {}, "--satellite tcp://HOST:10700"), "."),
  );
}

function createRoom(page, name, state) {
  const list = element("ul", { class: "cards" });
  const summary = element("span", { class: "soft" });
  const room = element("section", { class: "room", "aria-label": name }, element("h3", {}, name, " ", summary), list);
  room.update = () => {
    const here = state.satellites.filter((one) => (one.area || t(NO_ROOM)) === name).sort((one, other) => one.id.localeCompare(other.id));
    setText(summary, count(here.length, "1 satellite", "{number} satellites"));
    room.style.flex = here.length + " 1 " + here.length * CARD_REM + "rem";
    room.style.maxWidth = "min(100%, " + here.length * WIDEST_CARD_REM + "rem)";
    showList(list, here, (one) => one.id, (one) => createSatellite(page, one, state));
  };
  return room;
}

function createSatellite(page, satellite, state) {
  const phase = element("span", { class: "phase" });
  const facts = element("p", { class: "soft facts" });
  const last = element("p", { class: "last" });
  const absence = element("p", { class: "absence" });
  const card = element("li", { class: "card satellite" });
  const controls = page.may("act") ? createControls(page, satellite.id) : null;
  card.meter = createLevelMeter(t("Level in {name}", { name: satellite.id }));
  card.append(element("div", { class: "card-head" }, element("h4", {}, satellite.id), phase), card.meter);
  if (controls !== null) {
    card.append(controls);
  }
  card.append(absence, last, facts);
  card.update = (now) => {
    const [shown, text] = phaseOf(now);
    phase.dataset.state = shown;
    setText(phase, text);
    card.meter.hidden = !now.is_connected;
    setText(facts, [now.software, now.uri].filter(Boolean).join(" · "));
    card.classList.toggle("absent", !now.is_connected);
    setText(absence, now.is_connected ? "" : t(ABSENT));
    last.hidden = !now.is_connected;
    showLastTurn(last, state.turns.find((turn) => turn.turn_id === now.last_turn || turn.satellite === now.id));
    if (controls !== null) {
      controls.update(now);
    }
  };
  return card;
}

function createControls(page, id) {
  const path = "satellites/" + part(id);
  const mute = button(t("Mute"), () => page.attempt(() => page.api.post(path + "/mute", { muted: mute.getAttribute("aria-pressed") !== "true" })), { class: "quiet mute" }, ICONS.mute);
  const slider = element("input", { type: "range", min: 0, max: 100, step: 5, "aria-label": t("Volume of {name}", { name: id }) });
  const value = element("output", { class: "soft" });
  const controls = element("div", { class: "controls" }, mute, element("span", { class: "slider" }, slider, value));
  slider.addEventListener("input", () => setText(value, slider.value + " %"));
  slider.addEventListener("change", () => page.attempt(() => page.api.post(path + "/volume", { percent: Number(slider.value) })));
  controls.update = (satellite) => {
    controls.hidden = !satellite.is_connected;
    mute.setAttribute("aria-pressed", String(satellite.is_muted === true));
    mute.setAttribute("aria-label", t(satellite.is_muted ? "Unmute {name}" : "Mute {name}", { name: id }));
    setText(mute.querySelector("span"), satellite.is_muted ? t("Muted") : t("Mute"));
    mute.querySelector("path").setAttribute("d", satellite.is_muted ? ICONS.muted : ICONS.mute);
    slider.parentElement.hidden = satellite.volume_percent === null;
    if (satellite.volume_percent !== null && document.activeElement !== slider) {
      slider.value = satellite.volume_percent;
      setText(value, satellite.volume_percent + " %");
    }
  };
  return controls;
}

function showLastTurn(line, turn) {
  if (turn === undefined) {
    replace(line, element("span", { class: "soft" }, t("No turn yet")));
    return;
  }
  const ms = answerMs(turn);
  const text = turn.heard ? "“" + turn.heard + "”" : turn.intents[0] || turn.outcome || t("under way");
  const facts = [ms === null ? null : t("answered after {time}", { time: formatMs(ms) }), formatAgo(turn.started_at, now())];
  replace(line, element("a", { href: "#turns/" + part(turn.turn_id) }, text), element("span", { class: "soft" }, " " + facts.filter(Boolean).join(" · ")));
}

function createAnnouncement(page) {
  const where = element("select", {});
  const text = element("input", { type: "text", maxlength: 1000, required: true, placeholder: t("Dinner is ready.") });
  const send = element("button", { class: "primary", type: "submit" }, t("Announce"));
  const form = element("form", { class: "card announce", "aria-label": t("Announcement") }, field(t("Say"), text), field(t("Where"), where), send);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const all = Array.from(where.options, (option) => option.value).filter((id) => id !== EVERYWHERE);
    const ids = where.value === EVERYWHERE ? all : [where.value];
    const say = (id) => page.api.post("satellites/" + part(id) + "/announce", { text: text.value });
    const sent = await page.attempt(() => Promise.all(ids.map(say)), t("It is spoken as soon as nothing else is."));
    if (sent !== undefined) {
      text.value = "";
    }
  });
  form.setSatellites = (satellites) => {
    const ids = satellites.filter((one) => one.is_connected).map((one) => one.id).sort();
    form.hidden = ids.length === 0;
    const known = Array.from(where.options, (option) => option.value).filter((id) => id !== EVERYWHERE);
    if (known.join("\n") !== ids.join("\n")) {
      const chosen = where.value;
      replace(where, element("option", { value: EVERYWHERE }, t("Everywhere")), ids.map((id) => element("option", { value: id, selected: id === chosen }, id)));
    }
  };
  form.setSatellites([]);
  return form;
}
