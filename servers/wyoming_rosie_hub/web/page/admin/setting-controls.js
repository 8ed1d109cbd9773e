/* Setting controls: what a setting is changed with, by its kind. Each control has read(), write(value) and `input`. */

import { element } from "./dom.js";

const NUMBER = /^-?\d+(\.\d+)?(e-?\d+)?$/i;
const NUMBERS = ["number", "whole number"];
const CHOICE_OF_BOOLEAN = [["", "Automatic"], ["true", "On"], ["false", "Off"]];

/** Return the control of a setting. */
export function createControl(setting) {
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
  const input = element("select", {}, CHOICE_OF_BOOLEAN.map((one) => element("option", { value: one[0] }, one[1])));
  const read = () => (input.value === "" ? null : input.value === "true");
  return { input: input, read: read, write: (value) => (input.value = value === null ? "" : String(value)) };
}

function createChoice(setting) {
  const values = setting.default === null && setting.choices.indexOf(null) < 0 ? [null].concat(setting.choices) : setting.choices;
  const input = element("select", {}, values.map((value, index) => element("option", { value: index }, value === null ? "Automatic" : String(value))));
  return { input: input, read: () => values[Number(input.value)], write: (value) => (input.value = Math.max(0, values.indexOf(value))) };
}

/** A number that is none is sent as it is written: the hub says what is wrong with it. */
function createNumber(setting) {
  const input = element("input", { type: "text", inputmode: setting.kind === "number" ? "decimal" : "numeric", class: "short", spellcheck: "false" });
  const read = () => {
    const text = input.value.trim().replace(",", ".");
    return text === "" ? null : NUMBER.test(text) ? Number(text) : text;
  };
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

/** The hub does not send a secret; an empty field leaves it as it is. */
function createSecret() {
  const input = element("input", { type: "password", autocomplete: "off", placeholder: "unchanged" });
  return { input: input, read: () => input.value || null, write: () => (input.value = "") };
}
