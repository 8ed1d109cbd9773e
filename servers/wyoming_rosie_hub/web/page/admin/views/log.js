/* Log: the last lines of the hub and the other programs, and those that come. */

import { button, element, nothing, replace, setText } from "../dom.js";
import { formatTime } from "../format.js";
import { ICONS } from "../icons.js";
import { text as t } from "../../text.js";

const MAX_LINES = 500;
const LEVELS = ["info", "warning", "error", "critical"];
const CHOICES = [["info", "Everything"], ["warning", "Warnings and errors"], ["error", "Errors"]];
const ALL = "";
const NEAR_END_PIXELS = 40;
const SHOW_MS = 200;

export const log = { id: "log", title: "Log", scope: "admin", icon: ICONS.log, open: openLog };

function openLog(page) {
  const view = new LogView();
  page.add(view.toolbar, view.list, view.empty, view.source);
  page.load(async () => view.setLines(await page.api.get("log?limit=" + MAX_LINES)));
  page.listen("log", (line) => view.add(line));
}

/** The lines that match what was chosen; paused, it keeps what is shown and counts what comes. */
class LogView {
  constructor() {
    this.lines = [];
    this.missed = 0;
    this.isPaused = false;
    this.level = element("select", { "aria-label": t("Level") }, CHOICES.map((one) => element("option", { value: one[0] }, t(one[1]))));
    this.program = element("select", { "aria-label": t("Program") }, element("option", { value: ALL }, t("All programs")));
    this.search = element("input", { type: "search", placeholder: t("Search"), "aria-label": t("Search in the log") });
    this.pause = button(t("Pause"), () => this.setPaused(!this.isPaused), { "aria-pressed": "false" });
    this.toolbar = element("div", { class: "toolbar" }, this.level, this.program, this.search, this.pause);
    this.shown = element("ol", {});
    this.list = element("div", { class: "log-lines", tabindex: 0, role: "log", "aria-live": "off", "aria-label": t("Log") }, this.shown);
    this.empty = nothing(t("No line matches."));
    this.source = element("p", { class: "soft small" });
    [this.level, this.program, this.search].forEach((control) => control.addEventListener("input", () => this.show()));
  }

  setLines(found) {
    this.lines = found.lines.slice().sort((one, other) => one.at - other.at);
    this.lines.forEach((line) => this.addProgram(line.program));
    const where = found.source === "journal" ? t("From the system’s journal.") : t("The hub’s own lines since it started.");
    setText(this.source, where + " " + t("What people say is not among them."));
    this.show();
    this.list.scrollTop = this.list.scrollHeight;
  }

  add(line) {
    this.lines = this.lines.concat(line).slice(-MAX_LINES);
    this.addProgram(line.program);
    if (this.isPaused) {
      this.missed += 1;
      setText(this.pause.querySelector("span"), t("Continue, {number} more", { number: this.missed }));
    } else {
      this.showSoon();
    }
  }

  /** Show many lines that come at once in one go. */
  showSoon() {
    if (this.timer === undefined) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.show();
      }, SHOW_MS);
    }
  }

  setPaused(isPaused) {
    this.isPaused = isPaused;
    this.missed = 0;
    this.pause.setAttribute("aria-pressed", String(isPaused));
    setText(this.pause.querySelector("span"), isPaused ? t("Continue") : t("Pause"));
    this.show();
  }

  show() {
    const list = this.list;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PIXELS;
    const shown = this.lines.filter((line) => this.matches(line));
    replace(this.shown, shown.map(createLine));
    list.hidden = shown.length === 0;
    this.empty.hidden = shown.length > 0;
    if (isAtEnd) {
      list.scrollTop = list.scrollHeight;
    }
  }

  matches(line) {
    const isLoud = LEVELS.indexOf(line.level) >= LEVELS.indexOf(this.level.value);
    const isOf = this.program.value === ALL || line.program === this.program.value;
    return isLoud && isOf && textOf(line).toLowerCase().includes(this.search.value.toLowerCase());
  }

  addProgram(name) {
    if (name && !Array.from(this.program.options).some((option) => option.value === name)) {
      this.program.appendChild(element("option", { value: name }, name));
    }
  }
}

function textOf(line) {
  return [line.program, line.event, describe(line.details)].join(" ");
}

function describe(details) {
  const write = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  return Object.keys(details || {}).map((key) => key + "=" + write(details[key])).join("  ");
}

function createLine(line) {
  const parts = [["time", formatTime(line.at)], ["level", line.level], ["program", line.program], ["event", line.event], ["details", describe(line.details)]];
  return element("li", { "data-level": line.level }, parts.map((one) => [element("span", { class: "log-" + one[0] }, one[1]), " "]));
}
