/* Keys: the members of the house, who may use it with a key, and the administrator's password. */

import { part } from "../api.js";
import { button, element, field, nothing, openDialog, replace, setText, showList } from "../dom.js";
import { formatAgo, formatDate, now, programName } from "../format.js";
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
  const memberList = element("ul", { class: "cards" });
  const members = element("section", { "aria-label": t("Members of the house") }, element("h3", {}, t("Members of the house")), memberList);
  empty.hidden = members.hidden = true;

  async function loadKeys() {
    const found = await page.api.get("keys");
    const known = found.filter((one) => one.kind === "key");
    const joined = found.filter((one) => one.kind === "member");
    empty.hidden = known.length > 0;
    members.hidden = joined.length === 0;
    showList(list, known, (key) => key.name, (key) => createKey(page, key, loadKeys));
    showList(memberList, joined, (member) => member.id, (member) => createMember(page, member, loadKeys));
  }

  if (page.shell.session.name === OPEN_HOUSE) {
    page.add(element("div", { class: "notice" }, element("p", {}, t(OPEN_SENTENCE))), members, createPasswordForm(page, true));
  } else {
    page.add(members, list, empty, element("div", { class: "pair" }, createKeyForm(page, loadKeys), createPasswordForm(page, false)));
  }
  page.load(loadKeys);
}

function createKey(page, key, reload) {
  const card = createCard(key, () => askToRevoke(page, key.name, reload));
  card.update = (known) => {
    const made = known.created_at ? t("made {time}", { time: formatAgo(known.created_at, now()) }) : null;
    const used = known.last_used_at ? t("used {time}", { time: formatAgo(known.last_used_at, now()) }) : t("not used yet");
    card.show(known, [made, used]);
  };
  return card;
}

function createMember(page, member, reload) {
  const card = createCard(member, () => askToRevokeMember(page, member, reload));
  card.update = (known) => {
    const seen = known.last_used_at ? t("connected {time}", { time: formatAgo(known.last_used_at, now()) }) : t("not connected yet");
    const until = known.certificate_until ? t("certificate until {date}", { date: formatDate(known.certificate_until) }) : null;
    card.show(known, [programName(known.role), seen, until, known.is_rotating ? t("gets another certificate") : null]);
  };
  return card;
}

/** Return the card of a key or a member, which `show` fills with its scopes, its room and other facts. */
function createCard(one, askToRevokeIt) {
  const scopes = element("p", { class: "chips" });
  const facts = element("p", { class: "soft" });
  const revoke = button(t("Revoke"), askToRevokeIt, { "aria-label": t("Revoke {name}", { name: one.name }), class: "quiet danger" });
  const card = element("li", { class: "card" }, element("div", { class: "card-head" }, element("h3", {}, one.name), revoke), scopes, facts);
  card.show = (known, more) => {
    replace(scopes, known.scopes.map((scope) => element("span", { class: "chip" }, scope)));
    setText(facts, [known.room || t("every room"), ...more].filter(Boolean).join(" · "));
  };
  return card;
}

function askToRevokeMember(page, member, reload) {
  const consequence = t("It is cut off from all programs of the house within a second. To let it in again, pair it.");
  page.shell.confirm(t("Revoke {name}?", { name: member.name }), consequence, t("Revoke"), async () => {
    await page.attempt(() => page.api.delete("members/" + part(member.id)), t("{name} is revoked.", { name: member.name }));
    page.run(reload);
  });
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
