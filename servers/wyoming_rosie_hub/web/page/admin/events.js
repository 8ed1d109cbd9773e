/* Events: what the hub reports by itself, read while the page is visible, and read again with growing pauses. */

import { pauseBefore } from "../connection.js";

const NAMES = ["satellite", "turn", "levels", "log", "timers", "daemon"];

export class Events {
  /** `listener` has onEvent(name, data), onOpen() and onLost(). */
  constructor(address, listener) {
    this.address = address;
    this.listener = listener;
    this.source = null;
    this.attempt = 0;
    this.retryTimer = 0;
  }

  open() {
    this.close();
    const source = new EventSource(this.address);
    source.onopen = () => this.onOpen();
    source.onerror = () => this.onError();
    NAMES.forEach((name) => source.addEventListener(name, (event) => this.listener.onEvent(name, JSON.parse(event.data))));
    this.source = source;
  }

  onOpen() {
    this.attempt = 0;
    this.listener.onOpen();
  }

  onError() {
    this.close();
    this.retryTimer = setTimeout(() => this.open(), pauseBefore(this.attempt, Math.random()));
    this.attempt += 1;
    this.listener.onLost();
  }

  close() {
    clearTimeout(this.retryTimer);
    if (this.source !== null) {
      this.source.close();
      this.source = null;
    }
  }
}
