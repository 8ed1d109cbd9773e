/* DOM: elements from calls. Text is always a text node, so that nothing that a device says becomes markup. */

import { text as t } from "../text.js";

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = ["value", "checked", "disabled", "hidden", "selected", "open"];

/** Return an element. Attributes that begin with `on` are listeners; null, false and undefined are left out. */
export function element(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Return an element of a picture. */
export function shape(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function replace(parent, ...children) {
  parent.textContent = "";
  append(parent, children);
  return parent;
}

/** Set text only where it differs, so that screen readers do not read it again. */
export function setText(node, text) {
  const written = text === null || text === undefined ? "" : String(text);
  if (node.textContent !== written) {
    node.textContent = written;
  }
}

/**
 * Show one child for each item, keeping the children of items that stay, with their focus and what is typed in them.
 * `create(item)` returns an element with an `update(item)` of its own.
 */
export function showList(parent, items, keyOf, create) {
  const known = new Map(Array.from(parent.children).map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const key = String(keyOf(item));
    const child = known.get(key) || create(item);
    known.delete(key);
    child.dataset.key = key;
    child.update(item);
    if (parent.children[index] !== child) {
      parent.insertBefore(child, parent.children[index] || null);
    }
  });
  known.forEach((child) => child.remove());
}

/** Return a field with its label and a line of help or trouble below. */
export function field(label, control, help) {
  const id = control.id || nextId();
  control.id = id;
  const note = element("p", { class: "help", id: id + "-help" }, help || "");
  if (help) {
    control.setAttribute("aria-describedby", note.id);
  }
  return element("div", { class: "field" }, element("label", { for: id }, label), control, help ? note : null);
}

/** Return a button; `icon` is the path of a 24-pixel picture. */
export function button(text, onClick, attributes, icon) {
  const given = Object.assign({ type: "button", class: "quiet", onclick: onClick }, attributes);
  return element("button", given, icon ? picture(icon) : null, element("span", {}, text));
}

export function picture(path) {
  return shape("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" }, shape("path", { d: path }));
}

/** Return the sentence of an empty list, and what to do about it. */
export function nothing(text, ...more) {
  return element("div", { class: "nothing" }, element("p", {}, text), more);
}

/** Show something that stays until the person closes it, with Done and what else is in `actions`. */
export function openDialog(title, content, actions) {
  const heading = element("h2", { id: nextId() }, title);
  const done = button(t("Done"), () => dialog.close(), {});
  const dialog = element("dialog", { "aria-labelledby": heading.id }, heading, content, element("div", { class: "choices" }, done, actions));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.appendChild(dialog);
  dialog.showModal();
}

let count = 0;

export function nextId() {
  count += 1;
  return "e" + count;
}

function fill(node, attributes, children) {
  Object.keys(attributes || {}).forEach((name) => setAttribute(node, name, attributes[name]));
  append(node, children);
  return node;
}

function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) {
    return;
  }
  if (name.startsWith("on")) {
    node.addEventListener(name.slice(2), value);
  } else if (PROPERTIES.indexOf(name) >= 0) {
    node[name] = value;
  } else {
    node.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Append elements and texts; null, undefined and false are left out. */
export function append(node, children) {
  children.forEach((child) => {
    if (Array.isArray(child)) {
      append(node, child);
    } else if (child !== null && child !== undefined && child !== false) {
      node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  });
}
