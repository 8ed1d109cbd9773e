/* View: everything that people see. It decides nothing, and what others say becomes text, never markup. */

import { text } from "./text.js";
import { formatDuration } from "./timers.js";

const MAX_TURNS = 30;
const SVG = "http://www.w3.org/2000/svg";
const RING = 2 * Math.PI * 15;

export class View {
  constructor(page) {
    this.page = page;
    this.root = page.documentElement;
    this.turn = null; // the list item of the turn under way
    this.partialText = "";
    this.notice = "";
    this.timerItems = new Map();
  }

  find(id) {
    return this.page.getElementById(id);
  }

  setState(state) {
    this.root.dataset.state = state;
    this.setText("state", text("state." + state));
    this.setText("hint", text("hint." + state));
    this.setText("talk-label", text("talk." + state));
    this.find("stop").hidden = ["listening", "thinking", "speaking"].indexOf(state) < 0;
  }

  setText(id, value) {
    const element = this.find(id);
    if (element.textContent !== value) {
      element.textContent = value;
    }
  }

  setConnection(text, isConnected) {
    this.root.dataset.connected = isConnected ? "yes" : "no";
    this.setText("connection-text", text);
  }

  setLevel(level) {
    this.root.style.setProperty("--level", Math.min(1, level * 5).toFixed(3));
  }

  setPressed(id, isPressed) {
    this.find(id).setAttribute("aria-pressed", String(isPressed));
  }

  setRoom(area, isFixed) {
    this.setText("room", area || text("room.choose"));
    this.find("room").disabled = isFixed;
  }

  setAreas(areas) {
    const list = this.find("rooms");
    list.textContent = "";
    areas.forEach((area) => {
      const option = this.page.createElement("option");
      option.value = area;
      list.appendChild(option);
    });
  }

  setPartial(text) {
    this.partialText = text;
    this.setText("partial", text);
  }

  addPartial(text) {
    this.setPartial((this.partialText + " " + text.trim()).trim());
  }

  showTranscript(said) {
    this.setPartial("");
    this.turn = this.page.createElement("li");
    this.turn.className = "turn";
    this.find("turns").appendChild(this.turn);
    this.addLine("said", text("you"), said);
    while (this.find("turns").children.length > MAX_TURNS) {
      this.find("turns").firstElementChild.remove();
    }
  }

  showAnswer(text) {
    if (this.turn === null || this.turn.querySelector(".answered") !== null) {
      this.turn = this.page.createElement("li");
      this.turn.className = "turn";
      this.find("turns").appendChild(this.turn);
    }
    this.addLine("answered", "Rosie", text);
  }

  addLine(kind, speaker, text) {
    const line = this.page.createElement("p");
    line.className = kind;
    const name = this.page.createElement("span");
    name.className = "unseen";
    name.textContent = speaker + ": ";
    line.appendChild(name);
    line.appendChild(this.page.createTextNode(text));
    this.turn.appendChild(line);
    this.find("welcome").hidden = true;
    this.find("log").scrollTop = this.find("log").scrollHeight;
  }

  /** Show one sentence; `action` is the text of a button and what it does. */
  showNotice(text, action) {
    this.notice = text;
    const button = this.find("notice-action");
    this.setText("notice-text", text);
    button.hidden = action === undefined;
    button.textContent = action === undefined ? "" : action.text;
    button.onclick = action === undefined ? null : action.run;
    this.find("notice").hidden = false;
  }

  hideNotice(text) {
    if (text === undefined || text === this.notice) {
      this.notice = "";
      this.find("notice").hidden = true;
      this.setText("notice-text", "");
    }
  }

  showTimers(timers, onStop) {
    const list = this.find("timers");
    list.hidden = timers.length === 0;
    this.timerItems.forEach((item, id) => {
      if (!timers.some((timer) => timer.id === id)) {
        item.remove();
        this.timerItems.delete(id);
      }
    });
    timers.forEach((timer) => {
      if (!this.timerItems.has(timer.id)) {
        this.timerItems.set(timer.id, this.createTimer(timer, onStop));
      }
      const item = this.timerItems.get(timer.id);
      list.appendChild(item);
      this.updateTimer(item, timer);
    });
  }

  createTimer(timer, onStop) {
    const item = this.page.createElement("li");
    item.className = "timer";
    const ring = this.page.createElementNS(SVG, "svg");
    ring.setAttribute("viewBox", "0 0 36 36");
    ring.setAttribute("aria-hidden", "true");
    ["track", "rest-of-time"].forEach((kind) => {
      const circle = this.page.createElementNS(SVG, "circle");
      circle.setAttribute("class", kind);
      circle.setAttribute("cx", "18");
      circle.setAttribute("cy", "18");
      circle.setAttribute("r", "15");
      ring.appendChild(circle);
    });
    item.appendChild(ring);
    ["timer-name", "timer-left"].forEach((kind) => {
      const line = this.page.createElement("span");
      line.className = kind;
      item.appendChild(line);
    });
    const stop = this.page.createElement("button");
    stop.type = "button";
    stop.textContent = text("button.stop");
    stop.hidden = true;
    stop.onclick = () => onStop();
    item.appendChild(stop);
    return item;
  }

  updateTimer(item, timer) {
    item.classList.toggle("ringing", timer.isRinging);
    item.classList.toggle("paused", !timer.isActive && !timer.isRinging);
    item.querySelector(".timer-name").textContent = timer.name || text("timer.unnamed");
    item.querySelector(".timer-left").textContent = timer.isRinging ? text("timer.over") : formatDuration(timer.seconds);
    item.querySelector("button").hidden = !timer.isRinging;
    const done = timer.total > 0 ? 1 - timer.seconds / timer.total : 1;
    const ring = item.querySelector(".rest-of-time");
    ring.style.strokeDasharray = RING;
    ring.style.strokeDashoffset = RING * done;
  }
}
