/* Keys: who may use the house, and the administrator's password. */

import { part } from "../api.js";
import { button, element, field, nothing, openDialog, replace, setText, showList } from "../dom.js";
import { formatAgo, now } from "../format.js";
import { ICONS } from "../icons.js";
import { text as t } from "../../text.js";

const SCOPES = [
  ["audio", "Sound", "speak and hear answers"],
  ["text", "Sentences", "send sentences, read answers"],
  ["act", "Act", "change something in the house, announce, timers"],
  ["read", "Read", "see status, satellites, turns"],
  ["admin", "Admin", "everything, the settings too"],
];
const OPEN_HOUSE = "local"; // the caller's name while there is neither a password nor a key
const OPEN_SENTENCE = "This house has neither a password nor a key: every program of this machine may use everything, and no other machine can. Set the password first; then make keys for tablets and programs.";
const MIN_PASSWORD = 8;

export const keys = { id: "keys", title: "Keys", scope: "admin", icon: ICONS.keys, open: openKeys };

function openKeys(page) {
  const list = element("ul", { class: "cards" });
  const empty = nothing(t("There is no key yet."));
  empty.hidden = true;

  async function loadKeys() {
    const found = await page.api.get("keys");
    empty.hidden = found.length > 0;
    showList(list, found, (key) => key.name, (key) => createKey(page, key, loadKeys));
  }

  if (page.shell.session.name === OPEN_HOUSE) {
    page.add(element("div", { class: "notice" }, element("p", {}, t(OPEN_SENTENCE))), createPasswordForm(page, true));
  } else {
    page.add(list, empty, element("div", { class: "pair" }, createKeyForm(page, loadKeys), createPasswordForm(page, false)));
  }
  page.load(loadKeys);
}

function createKey(page, key, reload) {
  const scopes = element("p", { class: "chips" });
  const facts = element("p", { class: "soft" });
  const revoke = button(t("Revoke"), () => askToRevoke(page, key.name, reload), { "aria-label": t("Revoke {name}", { name: key.name }), class: "quiet danger" });
  const card = element("li", { class: "card" }, element("div", { class: "card-head" }, element("h3", {}, key.name), revoke), scopes, facts);
  card.update = (known) => {
    replace(scopes, known.scopes.map((scope) => element("span", { class: "chip" }, scope)));
    const made = known.created_at ? t("made {time}", { time: formatAgo(known.created_at, now()) }) : null;
    const used = known.last_used_at ? t("used {time}", { time: formatAgo(known.last_used_at, now()) }) : t("not used since the hub started");
    setText(facts, [known.room || t("every room"), made, used].filter(Boolean).join(" · "));
  };
  return card;
}

function askToRevoke(page, name, reload) {
  page.shell.confirm(t("Revoke the key {name}?", { name: name }), t("What uses it is cut off at once."), t("Revoke"), async () => {
    await page.attempt(() => page.api.delete("keys/" + part(name)), t("The key {name} is revoked.", { name: name }));
    page.run(reload);
  });
}

function createKeyForm(page, reload) {
  const name = element("input", { type: "text", maxlength: 64, required: true, placeholder: "kitchen-tablet" });
  const room = element("input", { type: "text", maxlength: 64, list: "key-rooms" });
  const rooms = element("datalist", { id: "key-rooms" });
  const boxes = SCOPES.map(createScope);
  const scopes = element("fieldset", { class: "scopes" }, element("legend", {}, t("It may")), boxes);
  const fields = [field(t("Name"), name), field(t("Room"), room, t("what is said with it belongs there; empty for every room")), scopes];
  const add = element("button", { class: "primary", type: "submit" }, t("Add the key"));
  const form = element("form", { class: "card", "aria-label": t("New key") }, element("h3", {}, t("New key")), fields, rooms, add);
  page.load(async () => replace(rooms, (await page.shell.loadStatus()).rooms.map((one) => element("option", { value: one }))));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chosen = Array.from(scopes.querySelectorAll("input:checked"), (box) => box.value);
    const body = { name: name.value.trim(), scopes: chosen, room: room.value.trim() || null };
    const made = await page.attempt(() => page.api.post("keys", body));
    if (made !== undefined) {
      form.reset();
      showSecret(body.name, made.secret);
      page.run(reload);
    }
  });
  return form;
}

function createScope([name, title, text]) {
  const input = element("input", { type: "checkbox", value: name });
  input.defaultChecked = name !== "admin";
  return element("label", { class: "check" }, input, element("span", {}, t(title), element("span", { class: "soft" }, " " + t(text))));
}

/** Show the secret of a new key, which the hub itself does not know any more. */
function showSecret(name, secret) {
  const shown = element("code", { class: "secret", tabindex: 0 }, secret);
  const result = element("p", { role: "status" }, t("It is shown only now. Copy it to where it is used."));
  const copy = button(t("Copy"), () => copySecret(secret, shown, result), { class: "primary" }, ICONS.copy);
  openDialog(t("The key of {name}", { name: name }), [shown, result], copy);
}

async function copySecret(secret, shown, result) {
  try {
    await navigator.clipboard.writeText(secret);
    setText(result, t("Copied."));
  } catch (error) { // no clipboard over plain HTTP
    getSelection().selectAllChildren(shown);
    setText(result, t("It is selected: copy it with Control and C."));
  }
}

function createPasswordForm(page, isFirst) {
  const user = element("input", { type: "text", autocomplete: "username", value: "admin", hidden: true }); // for password managers
  const old = element("input", { type: "password", maxlength: 256, autocomplete: "current-password", required: !isFirst });
  const fresh = element("input", { type: "password", minlength: MIN_PASSWORD, maxlength: 256, autocomplete: "new-password", required: true });
  const fields = [user, isFirst ? null : field(t("Present password"), old), field(t("New password"), fresh, t("at least {number} characters; three words are good", { number: MIN_PASSWORD }))];
  const set = element("button", { class: "primary", type: "submit" }, isFirst ? t("Set the password") : t("Change the password"));
  const form = element("form", { class: "card", "aria-label": t("Password") }, element("h3", {}, t("Password of the administrator")), fields, set);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { old: isFirst ? null : old.value, new: fresh.value };
    await page.attempt(async () => {
      await page.api.post("password", body);
      await page.shell.logIn(fresh.value);
    }, t("The password is changed. Other browsers must log in again."));
  });
  return form;
}
