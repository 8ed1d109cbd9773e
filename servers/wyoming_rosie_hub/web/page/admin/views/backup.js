/* Backup: one file with settings, keys, timers and phrases, and the way back. */

import { element, field, openDialog } from "../dom.js";
import { ICONS } from "../icons.js";
import { text as t } from "../../text.js";

const MAX_MEGABYTES = 64;
const MEGABYTE = 1024 * 1024;
const ABOUT_BACKUP = "One file with the settings, keys, timers and your own files that the settings name. Keep it where nobody else can read it. Models and tokens are not in it.";

export const backup = { id: "backup", title: "Backup", scope: "admin", icon: ICONS.backup, open: openBackup };

function openBackup(page) {
  const download = element("a", { class: "primary link", href: "/api/v1/backup", download: "" }, t("Download a backup"));
  const make = element("section", { class: "card" }, element("h3", {}, t("Make a backup")), element("p", { class: "soft" }, t(ABOUT_BACKUP)), download);
  const restore = element("section", { class: "card" }, element("h3", {}, t("Restore a backup")), element("p", { class: "soft" }, t("What the file holds replaces what is there now.")), createRestoreForm(page));
  page.add(element("div", { class: "pair" }, make, restore));
}

function createRestoreForm(page) {
  const file = element("input", { type: "file", accept: ".gz,.tgz,application/gzip", required: true });
  const restore = element("button", { class: "primary", type: "submit" }, t("Restore"));
  const form = element("form", { "aria-label": t("Restore") }, field(t("Backup file"), file, t("from here, or from wyoming-rosie backup")), restore);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    askToRestore(page, file.files[0]);
  });
  return form;
}

function askToRestore(page, file) {
  if (file.size > MAX_MEGABYTES * MEGABYTE) {
    page.shell.say(t("The file has more than {number} MB: it is no backup of a house.", { number: MAX_MEGABYTES }), true);
    return;
  }
  page.shell.confirm(t("Restore {name}?", { name: file.name }), t("Its settings, keys and timers replace the present ones. Everybody has to log in again."), t("Restore"), async () => {
    const restored = await page.attempt(() => page.api.upload("restore", file));
    if (restored !== undefined) {
      openDialog(t("The house is restored"), describe(restored), null); // it stays when the session ends
    }
  });
}

function describe(restored) {
  const leftOut = Object.keys(restored.left_out || {}).map((name) => name + ": " + restored.left_out[name]);
  const lists = [[t("Restored"), restored.restored], [t("Left out"), leftOut], [t("Encrypted: checked without the key, which the house must have"), restored.encrypted || []], [t("Restart these, so that it holds"), restored.needs_restart]];
  const shown = lists.filter((list) => list[1].length > 0);
  return shown.map((list) => [element("h3", {}, list[0]), element("ul", { class: "sentences" }, list[1].map((name) => element("li", {}, name)))]);
}
