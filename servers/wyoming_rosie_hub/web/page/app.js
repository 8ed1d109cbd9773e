/* Page: connects the parts. */

import { Connection } from "./connection.js";
import { Kiosk } from "./kiosk.js";
import { Microphone, Problem, findProblem } from "./microphone.js";
import { hasOpus } from "./opus.js";
import { Player } from "./player.js";
import { Satellite, State } from "./satellite.js";
import { hasText, loadTexts, text } from "./text.js";
import { Timers } from "./timers.js";
import { Transport, Transports, rank } from "./transports.js";
import { View } from "./view.js";

const HOLD_MS = 400; // a longer press ends the sentence when it is released
const RING_MS = 1500;
const WAKE_RETRY_MS = 5000;
const WOKEN = [[660, 0], [880, 0.12]];
const RINGING = [[784, 0], [988, 0.25], [784, 0.5]];
const AWAKE = [State.LISTENING, State.THINKING, State.SPEAKING]; // a hub that is away at night lights up no room
const SETTINGS = new URLSearchParams(location.search);

const view = new View(document);
const timers = new Timers();
const player = new Player(onPlayed, onSoundBlocked);
const microphone = new Microphone(onMicrophoneAudio, () => onMicrophoneProblem(Problem.TAKEN));
const satellite = new Satellite({
  send: (type, data) => connection.send(type, data),
  setMicrophone: setMicrophone,
  startSound: startSound,
  addSound: (buffer) => player.add(buffer),
  endSound: () => player.end(),
  stopSound: () => stopSound(),
  show: show,
});
const transports = new Transports({
  choose: chooseTransport,
  sendBinary: (buffer) => connection.sendAudio(buffer),
  openTrack: (stream) => player.openTrack(stream),
  closeTrack: () => player.closeTrack(),
});
const address = location.origin.replace(/^http/, "ws") + "/api/v1/stream";
const connection = new Connection(address, identify, {
  onOpen: onConnected,
  onEvent: onEvent,
  onAudio: (buffer) => satellite.onAudio(buffer),
  onLost: onLost,
  onRefused: onRefused,
});
const kiosk = SETTINGS.get("kiosk") === "1" ? new Kiosk(document) : null;
let pressedAt = 0;
let isPressed = false;
let sleepsHandsFree = false; // the device went to sleep while the page waited for the wake word

// What is remembered in this browser

function recall(key, fallback) {
  try {
    const value = localStorage.getItem("rosie." + key);
    return value === null ? fallback : value;
  } catch (error) {
    return fallback; // a private window may forbid it
  }
}

function remember(key, value) {
  try {
    localStorage.setItem("rosie." + key, value);
  } catch (error) {
    // it is asked again next time
  }
}

function identify() {
  let name = SETTINGS.get("name") || recall("name", "");
  if (name === "") {
    const random = crypto.getRandomValues(new Uint8Array(4));
    name = "browser-" + Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
    remember("name", name);
  }
  return { name: name, area: SETTINGS.get("area") || recall("area", "") };
}

/* Return a text, or the one for whatever has none of its own. */
function explain(key, otherKey, values) {
  return text(hasText(key) ? key : otherKey, values);
}

// The hub

function onConnected(context) {
  startTransports(context);
  view.setConnection(text("connection.connected"), true);
  view.setRoom(context.area, context.area_is_fixed);
  view.setAreas(context.areas);
  connection.send("user-event", { name: "volume", percent: Number(view.find("volume").value) });
  satellite.onConnected();
  showHouseLink();
  if (kiosk !== null) {
    kiosk.setAway(false);
  }
}

async function startTransports(context) {
  const hasWebRtc = typeof RTCPeerConnection !== "undefined";
  const found = await hasOpus(window);
  transports.start(rank(context.transports || [], SETTINGS.get("transport"), hasWebRtc, found), context.webrtc);
}

function chooseTransport(transport) {
  connection.send("user-event", { name: "transport", transport: transport });
  view.root.dataset.transport = transport;
}

function onLost() {
  transports.stop();
  view.setConnection(text("connection.reconnecting"), false);
  timers.clear();
  showTimers();
  satellite.onDisconnected();
  if (kiosk !== null) {
    kiosk.setAway(true);
  }
  askForLogin();
}

function onRefused(code, reason) {
  transports.stop();
  satellite.onDisconnected();
  view.setConnection(text("state." + State.OFFLINE), false);
  view.showNotice(explain("closed." + code, "closed.other", { reason: reason }), {
    text: text("use-here"),
    run: () => {
      view.hideNotice();
      connection.open();
    },
  });
}

function onEvent(type, data) {
  if (timers.onEvent(type, data, Date.now())) {
    showTimers();
  } else {
    satellite.onEvent(type, data);
  }
}

/** Show the way to the page that runs the house to those who may run it. */
async function showHouseLink() {
  try {
    const answer = await fetch("/api/v1/session");
    view.find("house").hidden = !answer.ok || (await answer.json()).scopes.indexOf("admin") < 0;
  } catch (error) {
    // the hub is away, and the connection says so
  }
}

async function askForLogin() {
  try {
    const answer = await fetch("/api/v1/session");
    const session = answer.ok ? await answer.json() : {};
    const dialog = view.find("login-dialog");
    if (session.needs_login && !dialog.open) {
      dialog.showModal();
    }
  } catch (error) {
    // the hub is away, and the connection says so
  }
}

async function logIn(event) {
  event.preventDefault();
  const body = JSON.stringify({ secret: view.find("secret").value });
  const answer = await fetch("/api/v1/session", { method: "POST", body: body, headers: { "Content-Type": "application/json" } });
  if (answer.ok) {
    view.find("login-dialog").close();
    connection.hurry();
  } else {
    const problem = await answer.json();
    view.setText("login-error", explain("login." + problem.code, "login.other", { reason: problem.error }));
  }
}

// What the satellite shows

function show(name, value) {
  const shown = {
    state: (state) => onState(state),
    partial: (words) => view.setPartial(words),
    more: (words) => view.addPartial(words),
    transcript: (words) => view.showTranscript(words),
    answer: (words) => view.showAnswer(words),
    error: (code) => view.showAnswer(explain("error." + code, "error.other", { code: code })),
    woken: () => onWoken(),
    volume: (change) => changeVolume(change),
    mute: (isMuted) => setMuted(isMuted),
    "wake-lost": () => onWakeLost(),
  };
  shown[name](value);
}

function onState(state) {
  view.setState(state);
  view.setLevel(0);
  transports.hold(state === State.LISTENING);
  if (state === State.LISTENING) {
    player.prepare(Number(recall("rate", "16000")));
  } else if (state === State.SPEAKING) {
    requestAnimationFrame(showPlayedLevel);
  }
  if (kiosk !== null && AWAKE.indexOf(state) >= 0) {
    kiosk.wake();
  }
}

/* Somebody who speaks has heard what rings. */
function onWoken() {
  silenceTimers();
  player.chime(WOKEN);
}

function startSound(format) {
  remember("rate", format.rate);
  player.start(format);
  if (format.transport === Transport.WEBRTC) {
    transports.watch();
  }
}

function onPlayed() {
  transports.unwatch();
  satellite.onPlayed();
}

function stopSound() {
  transports.unwatch();
  player.stop();
}

function showPlayedLevel() {
  if (satellite.state === State.SPEAKING) {
    view.setLevel(player.level());
    requestAnimationFrame(showPlayedLevel);
  }
}

function onWakeLost() {
  const notice = text("error.wake-unavailable");
  view.showNotice(notice);
  setTimeout(() => {
    view.hideNotice(notice);
    satellite.awaitWakeWord();
  }, WAKE_RETRY_MS);
}

function changeVolume(change) {
  const now = Number(view.find("volume").value);
  const wanted = change.percent === undefined ? now + change.change : change.percent;
  setVolume(Math.max(0, Math.min(100, wanted)));
  connection.send("user-event", { name: "volume", percent: Number(view.find("volume").value) });
}

function setVolume(percent) {
  view.find("volume").value = percent;
  player.setVolume(percent);
  remember("volume", percent);
}

function onSoundBlocked() {
  view.showNotice(text("sound.blocked"), {
    text: text("sound.allow"),
    run: allowSound,
  });
}

/* A browser that forbids sound allows it from the first touch on. */
function allowSound() {
  if (view.notice === text("sound.blocked")) {
    view.hideNotice();
    player.resume();
  }
}

// The microphone

function setMicrophone(isStreaming) {
  if (isStreaming && microphone.stream === null) {
    microphone.open().then(() => transports.setTrack(microphone.track), onMicrophoneProblem);
  }
  microphone.setStreaming(isStreaming);
  transports.setTrack(microphone.track);
}

function onMicrophoneAudio(pcm, level) {
  transports.send(pcm);
  if (satellite.state === State.LISTENING) {
    view.setLevel(level);
  }
}

function onMicrophoneProblem(problem) {
  sleepsHandsFree = problem === Problem.TAKEN && satellite.isHandsFree && document.visibilityState === "hidden";
  const address = "https://" + location.host;
  view.showNotice(explain("problem." + problem, "problem.busy", { address: address }));
  satellite.cancel();
  setHandsFree(false);
}

async function listen() {
  try {
    player.resume();
    await microphone.open();
    view.hideNotice();
    satellite.listen();
  } catch (problem) {
    onMicrophoneProblem(problem);
  }
}

async function setHandsFree(isOn) {
  view.setPressed("hands-free", isOn);
  if (!isOn) {
    satellite.setHandsFree(false);
    return;
  }
  try {
    player.resume();
    await microphone.open();
    satellite.setHandsFree(true);
  } catch (problem) {
    onMicrophoneProblem(problem);
  }
}

function setMuted(isMuted) {
  connection.send("user-event", { name: "muted", muted: isMuted });
  view.setPressed("mute", isMuted);
  view.setText("mute-text", text(isMuted ? "button.muted" : "button.mute"));
  satellite.setMuted(isMuted);
  if (isMuted) {
    microphone.close();
  }
}

// Timers

function showTimers() {
  view.showTimers(timers.list(Date.now()), () => silenceTimers());
}

function silenceTimers() {
  timers.silence();
  showTimers();
}

function ring() {
  if (timers.isRinging) {
    player.chime(RINGING);
    if (kiosk !== null) {
      kiosk.wake();
    }
  }
}

// People

function press() {
  if (isPressed) {
    return;
  }
  isPressed = true;
  pressedAt = Date.now();
  silenceTimers();
  if (satellite.state === State.LISTENING) {
    satellite.finishListening();
    pressedAt = 0;
  } else if (satellite.isMuted) {
    setMuted(false);
    listen();
  } else {
    listen();
  }
}

function release() {
  const wasHeld = isPressed && pressedAt > 0 && Date.now() - pressedAt > HOLD_MS;
  isPressed = false;
  if (wasHeld) {
    satellite.finishListening();
  }
}

function isWriting(element) {
  return /^(INPUT|BUTTON|TEXTAREA|SELECT)$/.test(element.tagName) && element.id !== "talk";
}

function onKeyDown(event) {
  if (event.key === "Escape") {
    stop();
  } else if (event.key === " " && !isWriting(event.target) && document.querySelector("dialog[open]") === null) {
    event.preventDefault();
    press();
  }
}

function stop() {
  silenceTimers();
  satellite.cancel();
}

function write(event) {
  event.preventDefault();
  const field = view.find("text");
  player.resume();
  if (satellite.write(field.value)) {
    silenceTimers();
    field.value = "";
  }
}

function chooseRoom() {
  view.find("room-name").value = identify().area;
  view.find("room-dialog").showModal();
}

function saveRoom() {
  if (view.find("room-dialog").returnValue === "save") {
    SETTINGS.delete("area");
    remember("area", view.find("room-name").value.trim());
    connection.open(); // the hub learns the room with the connection
  }
}

function onVisible() {
  if (document.visibilityState !== "visible") {
    return;
  }
  connection.hurry();
  if (sleepsHandsFree || (satellite.isHandsFree && !satellite.isMuted && !microphone.isLive)) {
    sleepsHandsFree = false;
    microphone.close();
    setHandsFree(true);
    view.showNotice(text("asleep"));
  }
}

function listenToPeople() {
  const talk = view.find("talk");
  talk.addEventListener("pointerdown", (event) => {
    if (event.button === 0) {
      press();
    }
  });
  window.addEventListener("pointerup", release);
  window.addEventListener("pointercancel", release);
  talk.addEventListener("click", (event) => {
    if (event.detail === 0 && !isPressed) { // a screen reader or Enter, without a pointer
      press();
      isPressed = false;
    }
  });
  document.addEventListener("pointerdown", () => allowSound());
  talk.addEventListener("contextmenu", (event) => event.preventDefault());
  document.addEventListener("keydown", onKeyDown);
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && isPressed) {
      event.preventDefault();
      release();
    }
  });
  view.find("form").addEventListener("submit", write);
  view.find("stop").addEventListener("click", stop);
  view.find("hands-free").addEventListener("click", () => setHandsFree(!satellite.isHandsFree));
  view.find("mute").addEventListener("click", () => setMuted(!satellite.isMuted));
  view.find("volume").addEventListener("input", (event) => setVolume(Number(event.target.value)));
  view.find("room").addEventListener("click", chooseRoom);
  view.find("room-dialog").addEventListener("close", saveRoom);
  view.find("login-form").addEventListener("submit", logIn);
  window.addEventListener("online", () => connection.hurry());
  document.addEventListener("visibilitychange", onVisible);
}

function start() {
  listenToPeople();
  view.setState(State.OFFLINE);
  view.setConnection(text("connection.connecting"), false);
  setVolume(Number(recall("volume", "80")));
  setInterval(showTimers, 500);
  setInterval(ring, RING_MS);
  if (kiosk !== null) {
    kiosk.start();
  }
  const problem = findProblem(window);
  if (problem !== null) {
    onMicrophoneProblem(problem);
  } else if (kiosk !== null) {
    setHandsFree(true);
  }
  connection.open();
  if (navigator.serviceWorker && window.isSecureContext) {
    navigator.serviceWorker.register("/service-worker.js").catch(() => {}); // the certificate is not trusted: no offline page
  }
}

loadTexts("/texts/").catch(() => {}).then(start); // without texts the page still talks
