/* Kiosk: a tablet on the wall. The screen stays on, dims when nobody is there, and wakes by touch, wake word or timer. */

import { text, textLocale } from "./text.js";

const REST_AFTER_MS = 45000;
const CLOCK_MS = 5000;

export class Kiosk {
  constructor(page) {
    this.page = page;
    this.restTimer = 0;
    this.lock = null;
    this.problem = "";
  }

  start() {
    this.page.documentElement.dataset.kiosk = "yes";
    ["pointerdown", "keydown"].forEach((name) => this.page.addEventListener(name, () => this.wake(), true));
    this.page.addEventListener("visibilitychange", () => this.keepScreenOn());
    setInterval(() => this.showClock(), CLOCK_MS);
    this.keepScreenOn();
    this.showClock();
    this.wake();
  }

  /** Light up, and dim again later. */
  wake() {
    clearTimeout(this.restTimer);
    this.page.getElementById("rest").hidden = true;
    this.restTimer = setTimeout(() => this.rest(), REST_AFTER_MS);
  }

  rest() {
    this.page.getElementById("rest").hidden = false;
  }

  setAway(isAway) {
    this.page.getElementById("rest-text").textContent = isAway ? text("kiosk.away") : "";
  }

  showClock() {
    const time = new Date().toLocaleTimeString(textLocale(), { hour: "2-digit", minute: "2-digit" });
    this.page.getElementById("clock").textContent = time;
  }

  async keepScreenOn() {
    if (this.page.visibilityState === "visible" && navigator.wakeLock) {
      try {
        this.lock = await navigator.wakeLock.request("screen");
      } catch (error) {
        this.lock = null; // the battery is low; the tablet's own settings decide
      }
    }
  }
}
