/* App: who is logged in, which view is open, and whether the hub is there. */

import { Api, ApiError, AWAY } from "./api.js";
import { element, picture, replace, setText } from "./dom.js";
import { Events } from "./events.js";
import { problemsOf } from "./format.js";
import { Page } from "./page.js";
import { backup } from "./views/backup.js";
import { daemons } from "./views/daemons.js";
import { house } from "./views/house.js";
import { keys } from "./views/keys.js";
import { log } from "./views/log.js";
import { memory } from "./views/memory.js";
import { plugins } from "./views/plugins.js";
import { settings } from "./views/settings.js";
import { timers } from "./views/timers.js";
import { turns } from "./views/turns.js";
import { voices } from "./views/voices.js";
import { wakeWords } from "./views/wake-words.js";
import { pauseBefore } from "../connection.js";
import { loadTexts, text as t } from "../text.js";

const VIEWS = [house, daemons, turns, wakeWords, voices, timers, settings, log, plugins, keys, backup, memory];
const STATUS_MS = 5000;
const SAID_MS = 6000;
const ADMIN = "admin";
const NOBODY = { name: null, scopes: [], needs_login: true };
const ONLY_TALK = "This key may talk, but not look at the house. Log in with the password, or with a key that may read.";

class Shell {
  constructor() {
    this.api = new Api(() => this.onLoggedOut());
    this.events = new Events("/api/v1/events", {
      onEvent: (name, data) => this.onEvent(name, data),
      onOpen: () => this.onConnected(),
      onLost: () => this.refreshStatus(),
    });
    this.session = NOBODY;
    this.page = null;
    this.isConnected = null; // not known yet
    this.attempt = 0;
    this.saidTimer = 0;
    this.statusTimer = 0;
  }

  may(scope) {
    return this.session.scopes.some((one) => one === scope || one === ADMIN);
  }

  // The hub

  async start() {
    try {
      this.session = await this.api.get("session");
    } catch (error) {
      this.onAway();
      setTimeout(() => this.start(), pauseBefore(this.attempt, Math.random()));
      this.attempt += 1;
      return;
    }
    this.attempt = 0;
    this.onConnected();
    this.showSession();
  }

  /** Return the state of the house, and tell the open view. */
  async loadStatus() {
    const status = await this.api.get("status");
    this.onConnected();
    return status;
  }

  async refreshStatus() {
    if (!this.may("read") || document.visibilityState !== "visible") {
      return;
    }
    try {
      const status = await this.loadStatus();
      showProblems(status.daemons.filter((daemon) => problemsOf(daemon).length > 0).length);
      if (this.page !== null) {
        this.page.onEvent("status", status);
      }
    } catch (error) {
      if (error.isAway) {
        this.onAway();
      }
    }
  }

  onEvent(name, data) {
    if (name === "daemon") {
      this.refreshStatus();
    } else if (this.page !== null) {
      this.page.onEvent(name, data);
    }
  }

  onConnected() {
    const wasAway = this.isConnected === false;
    this.isConnected = true;
    this.showConnection(t("Connected"));
    if (wasAway && this.page !== null) {
      this.page.reload();
    }
  }

  onAway() {
    this.isConnected = false;
    this.showConnection(t("Reconnecting…"));
  }

  showConnection(text) {
    document.documentElement.dataset.connected = this.isConnected ? "yes" : "no";
    setText(find("connection-text"), text);
    find("away").hidden = this.isConnected;
  }

  /** Read events and the status while somebody looks at the page. */
  watch() {
    clearInterval(this.statusTimer);
    if (this.may("read") && document.visibilityState === "visible") {
      this.events.open();
      this.statusTimer = setInterval(() => this.refreshStatus(), STATUS_MS);
      this.refreshStatus();
    } else {
      this.events.close();
    }
  }

  // The person

  showSession() {
    const mayLook = this.may("read");
    find("log-in").hidden = mayLook;
    find("sections").hidden = find("menu").hidden = !mayLook;
    find("log-out").hidden = this.session.needs_login || this.session.name === "local";
    find("log-in-problem").textContent = mayLook || this.session.needs_login ? "" : t(ONLY_TALK);
    showViews(VIEWS.filter((view) => this.may(view.scope)));
    this.watch();
    this.openView();
    if (!mayLook) {
      find("secret").focus();
    }
  }

  onLoggedOut() {
    if (!this.session.needs_login) {
      this.session = NOBODY;
      this.showSession();
    }
  }

  async logIn(secret) {
    this.session = await this.api.post("session", { secret: secret });
    this.showSession();
  }

  async logOut() {
    await this.api.delete("session");
    this.session = await this.api.get("session");
    this.showSession();
  }

  // The view

  /** Open the view that the address names: `#turns/ID`. */
  openView() {
    const [name, ...rest] = location.hash.slice(1).split("/");
    const view = VIEWS.find((one) => one.id === name) || house;
    if (this.page !== null) {
      this.page.close();
      this.page = null;
    }
    const root = replace(find("view"));
    const mayOpen = this.may(view.scope);
    setText(find("title"), this.may("read") ? t(view.title) : "");
    document.title = (this.may("read") ? t(view.title) + " · " : "") + t("Rosie’s house");
    markView(view.id);
    if (mayOpen) {
      this.page = new Page(this, root, decodeURIComponent(rest.join("/")));
      view.open(this.page);
    } else if (this.may("read")) {
      replace(root, element("p", { class: "soft" }, t("This key may not see this.")));
    }
  }

  get hasChanges() {
    return this.page !== null && this.page.hasChanges();
  }

  /** Open the view of the new address, after a question if something is not saved. */
  leave(oldAddress) {
    const wanted = location.hash;
    if (!this.hasChanges) {
      this.openView();
      find("title").focus();
      window.scrollTo(0, 0);
      return;
    }
    history.replaceState(null, "", oldAddress);
    this.confirm(t("Leave without saving?"), t("What you changed here is not saved."), t("Leave"), () => {
      this.page.hasChanges = () => false;
      location.hash = wanted;
    });
  }

  /** Tell how something went. */
  say(text, isProblem) {
    const [shown, other] = isProblem ? [find("trouble"), find("said")] : [find("said"), find("trouble")];
    clearTimeout(this.saidTimer);
    other.hidden = true;
    shown.hidden = false;
    setText(shown, text);
    this.saidTimer = setTimeout(() => (shown.hidden = true), SAID_MS);
  }

  /** Ask before something that cannot be undone. */
  confirm(title, text, action, run) {
    const dialog = find("question");
    setText(find("question-title"), title);
    setText(find("question-text"), text);
    setText(find("question-yes"), action);
    dialog.returnValue = "";
    dialog.onclose = () => dialog.returnValue === "yes" && run();
    dialog.showModal();
  }
}

function find(id) {
  return document.getElementById(id);
}

function showViews(views) {
  replace(find("views"), views.map((view) => element("li", {}, element("a", { href: "#" + view.id }, picture(view.icon), element("span", {}, t(view.title))))));
}

function markView(id) {
  Array.from(find("views").querySelectorAll("a")).forEach((link) => {
    if (link.getAttribute("href") === "#" + id) {
      link.setAttribute("aria-current", "page");
    } else {
      link.removeAttribute("aria-current");
    }
  });
}

/** Show beside Daemons how many of them do not work. */
function showProblems(number) {
  const link = find("views").querySelector("a[href='#daemons']");
  const badge = link.querySelector(".badge") || link.appendChild(element("span", { class: "badge" }));
  badge.hidden = number === 0;
  replace(badge, String(number), element("span", { class: "unseen" }, " " + t("with a problem")));
}

function setMenu(isOpen) {
  find("menu").setAttribute("aria-expanded", String(isOpen));
  document.documentElement.dataset.menu = isOpen ? "open" : "closed";
}

async function logIn(event) {
  event.preventDefault();
  try {
    const secret = find("secret").value;
    find("secret").value = "";
    await shell.logIn(secret);
  } catch (error) {
    setText(find("log-in-problem"), error instanceof ApiError ? error.message : t(AWAY));
  }
}

const shell = new Shell();
find("log-in").addEventListener("submit", logIn);
find("log-out").addEventListener("click", () => shell.logOut().catch((error) => shell.say(error.message, true)));
find("menu").addEventListener("click", () => setMenu(find("menu").getAttribute("aria-expanded") !== "true"));
find("skip").addEventListener("click", (event) => {
  event.preventDefault();
  find("content").focus();
});
document.addEventListener("keydown", (event) => event.key === "Escape" && setMenu(false));
document.addEventListener("visibilitychange", () => shell.watch());
window.addEventListener("online", () => shell.watch());
window.addEventListener("hashchange", (event) => {
  setMenu(false);
  shell.leave(event.oldURL);
});
window.addEventListener("beforeunload", (event) => shell.hasChanges && event.preventDefault());
loadTexts("/admin/texts/").catch(() => {}).then(() => shell.start()); // without texts the page speaks English
