/* Daemons: the parts of the house with their engines, load and latency, what is wrong, and the next step. */

import { element, replace, setText, showList } from "../dom.js";
import { formatMegabytes, formatMs, formatPercent, formatUptime, problemsOf, programName } from "../format.js";
import { ICONS } from "../icons.js";
import { text as t } from "../../text.js";

const MAX_MODELS = 6;

export const daemons = { id: "daemons", title: "Daemons", scope: "read", icon: ICONS.daemons, open: openDaemons };

function openDaemons(page) {
  const machine = element("dl", { class: "tiles", "aria-label": t("This machine") });
  const list = element("ul", { class: "cards wide" });
  page.add(machine, list);

  function show(status) {
    showMachine(machine, status);
    showList(list, status.daemons, (daemon) => daemon.role, createDaemon);
  }

  page.load(async () => show(await page.shell.loadStatus()));
  page.listen("status", show);
}

function showMachine(tiles, status) {
  const machine = status.machine || {};
  const asked = Object.values(status.turns).reduce((sum, number) => sum + number, 0);
  const facts = [
    [t("Processor"), known(machine.cpu_percent, formatPercent) || t("{load} of {processors}", { load: status.load.load_average, processors: status.load.processors })],
    [t("Memory"), known(machine.memory_percent, formatPercent)],
    [t("Free disk"), known(machine.disk_free_mb, formatMegabytes)],
    [t("Temperature"), known(machine.temperature_c, (degrees) => Math.round(degrees) + " °C")],
    [t("Hub runs for"), formatUptime(status.uptime_seconds)],
    [t("Turns"), String(asked)],
    [t("Version"), status.version],
  ];
  replace(tiles, given(facts).map((fact) => createTile(fact[0], fact[1])));
}

function createTile(name, value) {
  return element("div", { class: "tile" }, element("dt", {}, name), element("dd", {}, value));
}

function known(value, format) {
  return value === null || value === undefined ? null : format(value);
}

function createDaemon(daemon) {
  const state = element("span", { class: "phase" });
  const problem = element("p", {});
  const step = element("p", { class: "next-step" });
  const notice = element("div", { class: "notice" }, element("div", {}, problem, step));
  const figures = element("dl", { class: "figures" });
  const facts = element("dl", { class: "facts-list" });
  const head = element("div", { class: "card-head" }, element("h3", {}, programName(daemon.role)), state);
  const card = element("li", { class: "card" }, head, notice, facts, figures);
  card.update = (now) => {
    const problems = problemsOf(now);
    const [shown, name] = now.problem !== null ? ["problem", t("Away")] : problems.length > 0 ? ["thinking", t("Works in part")] : ["listening", t("Well")];
    state.dataset.state = shown;
    setText(state, name);
    notice.hidden = problems.length === 0;
    setText(problem, problems.join(" "));
    setText(step, now.next_step || "");
    replace(facts, factsOf(now).map((fact) => [element("dt", {}, fact[0]), element("dd", {}, fact[1])]));
    replace(figures, figuresOf(now).map((fact) => element("div", {}, element("dt", {}, fact[0]), element("dd", {}, fact[1]))));
  };
  return card;
}

function factsOf(daemon) {
  const more = daemon.models.length - MAX_MODELS;
  const models = daemon.models.slice(0, MAX_MODELS).join(", ") + (more > 0 ? " " + t("and {number} more", { number: more }) : "");
  return given([[t("Engine"), daemon.engines.join(", ")], [t("Models"), models], [t("Version"), daemon.version], [t("Address"), daemon.uri]]);
}

function figuresOf(daemon) {
  const load = daemon.load || {};
  return given([
    [t("answers in"), known(daemon.latency_ms, formatMs)],
    [t("processor"), known(load.cpu_percent, formatPercent)],
    [t("memory"), known(load.memory_mb, formatMegabytes)],
    [t("streams"), known(load.streams, String)],
    [t("waiting"), known(load.queued, String)],
    [t("running for"), known(load.uptime_seconds, formatUptime)],
  ]);
}

function given(facts) {
  return facts.filter((fact) => fact[1] !== null && fact[1] !== "");
}
