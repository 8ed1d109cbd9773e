/* Settings: forms made from the settings that the hub describes, for each program. */

import { part } from "../api.js";
import { button, element, nextId, nothing, replace, setText } from "../dom.js";
import { count, programName, words } from "../format.js";
import { ICONS } from "../icons.js";
import { createControl } from "../setting-controls.js";
import { text as t } from "../../text.js";

const HUB = "hub";
const HOLDS_NOW = "Holds now.";
const OVERRIDDEN = "A flag or a variable of the environment overrides this.";

export const settings = { id: "settings", title: "Settings", scope: "admin", icon: ICONS.settings, open: openSettings };

function openSettings(page) {
  const form = new SettingsForm(page, page.argument || HUB);
  page.add(form.programs, form.toolbar, form.groups, form.empty, form.file, form.bar);
  page.hasChanges = () => form.changed.length > 0;
  page.load(() => form.load());
}

class SettingsForm {
  constructor(page, program) {
    this.page = page;
    this.program = program;
    this.rows = [];
    this.programs = element("nav", { class: "tabs", "aria-label": t("Programs") });
    this.search = element("input", { type: "search", placeholder: t("Search settings"), "aria-label": t("Search settings") });
    this.onlyChanged = element("input", { type: "checkbox" });
    this.toolbar = element("div", { class: "toolbar" }, this.search, element("label", { class: "check" }, this.onlyChanged, element("span", {}, t("Only what differs from the default"))));
    this.groups = element("div", { class: "groups" });
    this.empty = nothing(t("No setting matches."));
    this.file = element("p", { class: "soft small" });
    this.pending = element("span", { role: "status" });
    this.save = button(t("Save"), () => this.send(), { class: "primary" });
    this.bar = element("div", { class: "save-bar", hidden: true }, this.pending, button(t("Discard"), () => this.discard(), {}), this.save);
    this.empty.hidden = true;
    this.search.addEventListener("input", () => this.filter());
    this.onlyChanged.addEventListener("change", () => this.filter());
  }

  get path() {
    return this.program === HUB ? "config" : "config/" + part(this.program);
  }

  get changed() {
    return this.rows.filter((row) => row.isChanged);
  }

  async load() {
    const found = await this.page.api.get(this.path);
    const all = found.programs || (this.program === HUB ? [HUB] : (await this.page.api.get("config")).programs);
    const programs = [HUB].concat(all.filter((name) => name !== HUB));
    replace(this.programs, programs.map((name) => element("a", { href: "#settings/" + name, "aria-current": name === this.program ? "page" : null }, programName(name))));
    setText(this.file, t("Changes go to {file}, whose comments stay. The file before is kept beside it.", { file: found.file }));
    if (this.changed.length === 0) { // nothing that is being written is lost when the hub comes back
      this.show(found.settings);
    }
  }

  show(found) {
    this.rows = found.map((setting) => new SettingRow(setting, this.program, () => this.showPending()));
    const names = Array.from(new Set(this.rows.map((row) => row.setting.group)));
    replace(this.groups, names.map((name, index) => createGroup(name, this.rows.filter((row) => row.setting.group === name), index === 0 || names.length < 3)));
    this.showPending();
    this.filter();
  }

  filter() {
    const text = this.search.value.toLowerCase();
    const isFiltered = text !== "" || this.onlyChanged.checked;
    this.rows.forEach((row) => (row.node.hidden = !row.matches(text) || (this.onlyChanged.checked && row.isDefault)));
    Array.from(this.groups.children).forEach((group) => {
      group.hidden = Array.from(group.querySelectorAll(".setting")).every((node) => node.hidden);
      group.open = isFiltered ? true : group.isOpenAtFirst;
    });
    this.empty.hidden = this.rows.some((row) => !row.node.hidden);
  }

  showPending() {
    const number = this.changed.length;
    this.bar.hidden = number === 0;
    setText(this.pending, count(number, "1 change not saved", "{number} changes not saved"));
  }

  discard() {
    this.changed.forEach((row) => row.reset());
    this.showPending();
  }

  async send() {
    const rows = this.changed;
    const changes = {};
    rows.forEach((row) => (changes[row.setting.key] = row.change));
    rows.forEach((row) => row.setProblem(""));
    this.save.disabled = true;
    try {
      const change = await this.page.api.post(this.path, changes);
      rows.forEach((row) => row.onSaved(change));
      this.page.shell.say(describeChange(change));
    } catch (error) {
      this.showError(error);
    }
    this.save.disabled = false;
    this.showPending();
  }

  showError(error) {
    const row = this.rows.find((one) => one.setting.key === error.key);
    if (row === undefined) {
      this.page.report(error);
    } else {
      row.setProblem(error.message);
      row.node.closest("details").open = true;
      row.control.input.focus();
    }
  }
}

/** One setting: its name, what it is changed with, what it means, and what happened to it. */
class SettingRow {
  constructor(setting, program, onInput) {
    const name = setting.key.split(".").pop();
    this.setting = setting;
    this.program = program;
    this.onInput = onInput;
    this.control = createControl(setting);
    this.control.input.id = nextId();
    this.note = element("p", { class: "help", id: this.control.input.id + "-help" }, describe(setting));
    this.problem = element("p", { class: "problem", id: this.control.input.id + "-problem", role: "alert" });
    this.result = element("p", { class: "result", role: "status" });
    this.mark = element("span", { class: "chip", hidden: true }, t("changed"));
    this.toDefault = button(t("Default"), () => this.write(setting.default), { "aria-label": t("Put {name} back to its default", { name: words(name) }), hidden: true });
    this.control.input.setAttribute("aria-describedby", this.note.id + " " + this.problem.id);
    this.control.input.addEventListener("input", () => this.update());
    const title = element("label", { for: this.control.input.id }, words(name), " ", this.mark);
    const key = element("code", { class: "key" }, setting.key);
    this.node = element("div", { class: "setting" }, element("div", { class: "setting-text" }, title, key, this.note), element("div", { class: "setting-control" }, this.control.input, this.toDefault), this.problem, this.result);
    this.default = this.readAfter(setting.default); // a control may read a value differently from how it was written
    this.saved = this.readAfter(setting.value);
    this.showMarks();
  }

  readAfter(value) {
    this.control.write(value);
    return this.control.read();
  }

  /** Whether something is written that is not saved. */
  get isChanged() {
    return !isEqual(this.control.read(), this.saved);
  }

  get isDefault() {
    return isEqual(this.control.read(), this.default);
  }

  /** The value to send; null lets the default hold. */
  get change() {
    return this.isDefault ? null : this.control.read();
  }

  matches(text) {
    return [this.setting.key, words(this.setting.key), this.setting.help].join(" ").toLowerCase().includes(text);
  }

  write(value) {
    this.control.write(value);
    this.update();
  }

  reset() {
    this.control.write(this.setting.value);
    this.setProblem("");
    this.showMarks();
  }

  update() {
    setText(this.result, "");
    this.setProblem(this.findProblem());
    this.showMarks();
    this.onInput();
  }

  /** Return what is wrong with a number before it is sent, if anything. */
  findProblem() {
    const number = this.control.read();
    const { minimum, maximum } = this.setting;
    if (typeof number !== "number") {
      return "";
    }
    if (isLimit(minimum) && number < minimum) {
      return t("at least {number}", { number: minimum });
    }
    return isLimit(maximum) && number > maximum ? t("at most {number}", { number: maximum }) : "";
  }

  showMarks() {
    this.node.classList.toggle("pending", this.isChanged);
    this.mark.hidden = this.isDefault || this.setting.secret === true;
    this.toDefault.hidden = this.mark.hidden;
  }

  setProblem(text) {
    setText(this.problem, text);
    this.node.classList.toggle("wrong", text !== "");
    if (text === "") {
      this.control.input.removeAttribute("aria-invalid");
    } else {
      this.control.input.setAttribute("aria-invalid", "true");
    }
  }

  onSaved(change) {
    const key = this.setting.key;
    const isOverridden = change.overridden.indexOf(key) >= 0;
    const text = isOverridden ? t(OVERRIDDEN) : change.applied.indexOf(key) >= 0 ? t(HOLDS_NOW) : t("Holds after a restart of {name}.", { name: this.program });
    this.setting.value = this.setting.secret ? null : this.control.read();
    this.saved = this.readAfter(this.setting.value);
    this.showMarks();
    setText(this.result, text);
  }
}

function createGroup(name, rows, isOpen) {
  const title = name === "" ? t("General") : name.split(".").map(words).join(" · ");
  const group = element("details", { class: "card group", open: isOpen }, element("summary", {}, element("span", { class: "group-title" }, title), element("span", { class: "soft" }, count(rows.length, "1 setting", "{number} settings"))), rows.map((row) => row.node));
  group.isOpenAtFirst = isOpen;
  return group;
}

function describe(setting) {
  const list = setting.kind === "list" ? t("one in each line") : null;
  const standard = setting.secret || setting.default === null || setting.default === "" || (typeof setting.default === "object" && Object.keys(setting.default).length === 0) ? null : t("default {value}", { value: write(setting.default) });
  const restart = setting.needs_restart ? t("needs a restart") : null;
  return [setting.help, list, standard, restart].filter(Boolean).join(" · ");
}

function write(value) {
  if (typeof value === "object") {
    return Array.isArray(value) ? value.join(", ") : JSON.stringify(value);
  }
  return value === true ? t("on") : value === false ? t("off") : String(value);
}

function describeChange(change) {
  const restart = change.needs_restart.length > 0 ? " " + count(change.needs_restart.length, "1 setting will hold after a restart.", "{number} settings will hold after a restart.") : "";
  return t("Saved.") + restart;
}

function isLimit(value) {
  return value !== null && value !== undefined;
}

function isEqual(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
