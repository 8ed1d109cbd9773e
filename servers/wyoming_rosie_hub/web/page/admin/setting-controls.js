/* Setting controls: what a setting is changed with, by its kind. Each control has read(), write(value) and `input`. */

import { element } from "./dom.js";
import { text as t } from "../text.js";

const NUMBER = /^-?\d+(\.\d+)?(e-?\d+)?$/i;
const NUMBERS = ["number", "whole number"];
const CHOICE_OF_BOOLEAN = [["", "Automatic"], ["true", "On"], ["false", "Off"]];

/** Return the control of a setting. */
export function createControl(setting) {
  if (setting.kind === "table") {
    return setting.secret || isNested(setting.value) ? createReadOnly() : createTable();
  }
  if (setting.secret) {
    return createSecret();
  }
  if (setting.choices) {
    return createChoice(setting);
  }
  if (setting.kind === "boolean") {
    return setting.default === null ? createOptionalSwitch() : createSwitch();
  }
  if (setting.kind === "list") {
    return createList();
  }
  return NUMBERS.indexOf(setting.kind) >= 0 ? createNumber(setting) : createText();
}

function createSwitch() {
  const input = element("input", { type: "checkbox", role: "switch", class: "switch" });
  return { input: input, read: () => input.checked, write: (value) => (input.checked = value === true) };
}

function createOptionalSwitch() {
  const input = element("select", {}, CHOICE_OF_BOOLEAN.map((one) => element("option", { value: one[0] }, t(one[1]))));
  const read = () => (input.value === "" ? null : input.value === "true");
  return { input: input, read: read, write: (value) => (input.value = value === null ? "" : String(value)) };
}

/** The choices of a number are written as texts, too. */
function createChoice(setting) {
  const texts = setting.choices.map(String);
  const others = [setting.value, setting.default].filter((value) => value !== null && texts.indexOf(String(value)) < 0).map(String);
  const values = (setting.default === null ? [""] : []).concat(texts, Array.from(new Set(others)));
  const input = element("select", {}, values.map((value) => element("option", { value: value }, value || t("Automatic"))));
  const read = () => (input.value === "" ? null : typeof setting.default === "number" ? Number(input.value) : input.value);
  return { input: input, read: read, write: (value) => (input.value = value === null ? "" : String(value)) };
}

/** A number that is none is sent as it is written: the hub says what is wrong with it. */
function createNumber(setting) {
  const input = element("input", { type: "text", inputmode: setting.kind === "number" ? "decimal" : "numeric", class: "short", spellcheck: "false" });
  const read = () => (input.value.trim() === "" ? null : parseNumber(input.value.trim().replace(",", ".")));
  return { input: input, read: read, write: (value) => (input.value = value === null ? "" : value) };
}

function createText() {
  const input = element("input", { type: "text", spellcheck: "false" });
  return { input: input, read: () => input.value.trim() || null, write: (value) => (input.value = value === null ? "" : value) };
}

/** A list has one entry in each line. */
function createList() {
  const input = element("textarea", { rows: 2, spellcheck: "false" });
  const read = () => input.value.split("\n").map((line) => line.trim()).filter(Boolean);
  const write = (value) => {
    input.value = (value || []).join("\n");
    input.rows = Math.min(8, Math.max(2, (value || []).length));
  };
  return { input: input, read: read, write: write };
}

/** A table has one `name = value` in each line. */
function createTable() {
  const input = element("textarea", { rows: 2, spellcheck: "false", placeholder: t("name = value") });
  const read = () => {
    const table = {};
    input.value.split("\n").filter((line) => line.trim() !== "").forEach((line) => {
      const [name, ...rest] = line.split("=");
      table[name.trim()] = parseNumber(rest.join("=").trim());
    });
    return table;
  };
  const write = (value) => (input.value = Object.keys(value || {}).map((name) => name + " = " + value[name]).join("\n"));
  return { input: input, read: read, write: write };
}

/** Tables of tables, and those with secrets, are changed in the file alone. */
function createReadOnly() {
  const input = element("input", { type: "text", disabled: true, value: t("only in the file") });
  return { input: input, read: () => null, write: () => undefined };
}

function isNested(table) {
  return Object.keys(table || {}).some((name) => typeof table[name] === "object");
}

function parseNumber(text) {
  return NUMBER.test(text) ? Number(text) : text;
}

/** The hub does not send a secret; an empty field leaves it as it is. */
function createSecret() {
  const input = element("input", { type: "password", autocomplete: "off", placeholder: t("unchanged") });
  return { input: input, read: () => input.value || null, write: () => (input.value = "") };
}
