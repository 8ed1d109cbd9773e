/* Format: numbers, times and names as people read them. */

import { text as t, textLocale } from "../text.js";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

const PROGRAMS = {
  wake: "Wake word",
  vad: "Voice activity",
  asr: "Speech to text",
  intent: "Understanding",
  tts: "Voice",
  memory: "Memory",
  satellite: "Satellite",
  hub: "Hub",
  bridge: "Bridge",
};

/** Return the name of a program. */
export function programName(role) {
  return t(PROGRAMS[role] || role);
}

/** Phases of a turn: the state whose colour it has, and its name. */
const PHASES = {
  idle: ["idle", "Ready"],
  "awaiting-wake": ["waiting", "Waits for the wake word"],
  listening: ["listening", "Listening"],
  deciding: ["listening", "Listening"],
  recognising: ["thinking", "Recognising"],
  understanding: ["thinking", "Thinking"],
  filling: ["speaking", "Speaking"],
  answering: ["speaking", "Speaking"],
  playing: ["speaking", "Speaking"],
};

/** Return the state and the name of what a satellite does. */
export function phaseOf(satellite) {
  if (!satellite.is_connected) {
    return ["offline", t("Not connected")];
  }
  const [state, name] = PHASES[satellite.phase] || ["idle", satellite.phase];
  return [state, t(name)];
}

/** Return a sentence for each problem of a daemon: that it is away, or those of its parts. */
export function problemsOf(daemon) {
  const parts = daemon.problems || {};
  return daemon.problem === null ? Object.keys(parts).map((part) => words(part) + ": " + parts[part]) : [daemon.problem];
}

export function formatMs(ms) {
  return ms < 10000 ? Math.round(ms) + " ms" : (ms / 1000).toFixed(1) + " s";
}

export function formatMegabytes(megabytes) {
  return megabytes < 1000 ? Math.round(megabytes) + " MB" : (megabytes / 1000).toFixed(1) + " GB";
}

export function formatPercent(value) {
  return Math.round(value) + " %";
}

export function formatUptime(seconds) {
  if (seconds < HOUR) {
    return Math.floor(seconds / MINUTE) + " min";
  }
  return seconds < DAY ? Math.floor(seconds / HOUR) + " h" : count(Math.floor(seconds / DAY), "1 day", "{number} days");
}

/** Return how long ago a time was; both in seconds since the epoch. */
export function formatAgo(at, now) {
  const seconds = Math.max(0, now - at);
  if (seconds < 45) {
    return t("just now");
  }
  return seconds < DAY ? t("{time} ago", { time: formatUptime(Math.max(MINUTE, seconds)) }) : formatMoment(at);
}

/** Return a time of today with its seconds, as in a log. */
export function formatTime(at) {
  return new Date(at * 1000).toLocaleTimeString(textLocale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}

/** Return a time, with its day unless that is today. */
export function formatMoment(at) {
  const moment = new Date(at * 1000);
  const isToday = moment.toDateString() === new Date().toDateString();
  const time = { hour: "2-digit", minute: "2-digit" };
  return isToday ? moment.toLocaleTimeString(textLocale(), time) : moment.toLocaleString(textLocale(), Object.assign({ day: "numeric", month: "short" }, time));
}

/** Return a day, as 28 Feb 2027; the time is in seconds since the epoch. */
export function formatDate(at) {
  return new Date(at * 1000).toLocaleDateString(textLocale(), { day: "numeric", month: "short", year: "numeric" });
}

export function formatDecibels(level) {
  return String(Math.round(level)).replace("-", "−") + " dB";
}

export function now() {
  return Date.now() / 1000;
}

/** Return the text for one thing, or for several of which {number} is a blank. */
export function count(number, one, many) {
  return t(number === 1 ? one : many, { number: number });
}

/** Return a key of code as words: `own_filler_seconds` becomes "Own filler seconds". */
export function words(key) {
  const text = key.replace(/[_-]+/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
