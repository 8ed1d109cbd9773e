/* Page: what a view may use: the API, the hub's events, loading and repeating, all ended when another view opens. */

import { ApiError } from "./api.js";
import { append, element, replace } from "./dom.js";

export class Page {
  /** `shell` has api, session, status, say(text, isProblem) and confirm(title, text, action); `argument` follows the view's name. */
  constructor(shell, root, argument) {
    this.shell = shell;
    this.api = shell.api;
    this.root = root;
    this.argument = argument;
    this.isOpen = true;
    this.hasChanges = () => false; // that a person would lose by leaving the view
    this.loaders = [];
    this.listeners = [];
    this.timers = [];
    this.problem = element("div", { class: "notice problem-notice", role: "alert", hidden: true });
    root.appendChild(this.problem);
  }

  /** Whether the person may send requests of a scope. */
  may(scope) {
    return this.shell.may(scope);
  }

  add(...children) {
    append(this.root, children);
  }

  /** Handle an event of the hub while the view is open. */
  listen(name, handler) {
    this.listeners.push([name, handler]);
  }

  onEvent(name, data) {
    this.listeners.filter((one) => one[0] === name).forEach((one) => one[1](data));
  }

  /** Run `loader` now, and again whenever the hub has been away; a failure is shown above the view. */
  load(loader) {
    this.loaders.push(loader);
    return this.run(loader);
  }

  reload() {
    return Promise.all(this.loaders.map((loader) => this.run(loader)));
  }

  async run(loader) {
    try {
      await loader();
      this.showProblem("");
    } catch (error) {
      this.fail(error);
    }
  }

  /** Do something for the person; say how it went. `done` is a sentence, or undefined for none. */
  async attempt(action, done) {
    try {
      const answer = await action();
      if (done !== undefined) {
        this.shell.say(done);
      }
      return answer;
    } catch (error) {
      this.report(error);
      return undefined;
    }
  }

  report(error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    if (this.isOpen) {
      this.shell.say(error.message, true);
    }
  }

  every(ms, run) {
    this.timers.push(setInterval(run, ms));
  }

  fail(error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    if (this.isOpen && !error.isAway) { // the shell says that the hub is away
      this.showProblem(error.message);
    }
  }

  showProblem(text) {
    this.problem.hidden = text === "";
    replace(this.problem, element("p", {}, text));
  }

  close() {
    this.isOpen = false;
    this.timers.forEach(clearInterval);
    this.listeners = [];
    this.loaders = [];
  }
}
