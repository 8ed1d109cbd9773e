/* Charts: levels, the stages of a turn, and the scores of wake words. Each says in text what it shows. */

import { element, setText, shape } from "./dom.js";
import { formatDecibels, formatMoment, formatMs } from "./format.js";
import { text as t } from "../text.js";

const QUIETEST_DBFS = -60;
const WIDTH = 600;
const HEIGHT = 160;
const LEFT = 30;
const BOTTOM = 18;
const TOP = 8;

/** Return a bar for a level in dBFS with a line for the noise, as an element with setLevel(level, noise). */
export function createLevelMeter(label) {
  const bar = element("span", { class: "meter-bar" });
  const line = element("span", { class: "meter-line", hidden: true });
  const track = element("span", { class: "meter-track" }, bar, line);
  const text = element("span", { class: "meter-text" }, "–");
  const range = { "aria-valuemin": QUIETEST_DBFS, "aria-valuemax": 0, "aria-valuenow": QUIETEST_DBFS };
  const meter = element("div", Object.assign({ class: "meter", role: "meter", "aria-label": label }, range), track, text);
  meter.setLevel = (level, noise) => {
    const isKnown = level !== null && level !== undefined;
    bar.style.transform = "scaleX(" + (isKnown ? share(level) : 0) + ")";
    line.hidden = noise === null || noise === undefined;
    line.style.left = 100 * share(noise || QUIETEST_DBFS) + "%";
    setText(text, isKnown ? formatDecibels(level) : "–");
    meter.setAttribute("aria-valuenow", isKnown ? Math.round(Math.max(QUIETEST_DBFS, Math.min(0, level))) : QUIETEST_DBFS);
    meter.setAttribute("aria-valuetext", isKnown ? t("{level} decibels", { level: Math.round(level) }) : t("not known"));
  };
  return meter;
}

function share(level) {
  return Math.max(0, Math.min(1, 1 - level / QUIETEST_DBFS));
}

/** Return a bar for a score from 0 to 1 with its threshold, as an element with setScore(score). */
export function createScoreMeter(label, threshold) {
  const bar = element("span", { class: "meter-bar" });
  const line = element("span", { class: "meter-line", hidden: threshold === null });
  line.style.left = 100 * (threshold || 0) + "%";
  const text = element("span", { class: "meter-text" }, "0.00");
  const range = { "aria-valuemin": 0, "aria-valuemax": 1, "aria-valuenow": 0 };
  const track = element("span", { class: "meter-track" }, bar, line);
  const meter = element("div", Object.assign({ class: "meter score", role: "meter", "aria-label": label }, range), track, text);
  meter.setScore = (score) => {
    bar.style.transform = "scaleX(" + score + ")";
    meter.classList.toggle("over", threshold !== null && score >= threshold);
    setText(text, score.toFixed(2));
    meter.setAttribute("aria-valuenow", score.toFixed(2));
  };
  return meter;
}

/** Return the stages of a turn as a list of bars, each with its milliseconds. */
export function createStageBars(stages) {
  const whole = Math.max(1, ...stages.map((stage) => stage.until));
  return element("ol", { class: "stages" }, stages.map((stage) => createStageBar(stage, whole)));
}

function createStageBar(stage, whole) {
  const bar = element("span", { class: "stage-bar", "data-state": stage.state });
  bar.style.left = (100 * stage.from) / whole + "%";
  bar.style.width = (100 * stage.ms) / whole + "%";
  const name = t(stage.name) + (stage.detail ? ": " + stage.detail : "");
  const facts = { "data-step": stage.step, "data-from": stage.from, "data-until": stage.until };
  return element(
    "li",
    Object.assign({ class: "stage" }, facts),
    element("span", { class: "stage-name" }, name),
    element("span", { class: "stage-track", "aria-hidden": "true" }, bar),
    element("span", { class: "stage-ms" }, formatMs(stage.ms)),
  );
}

/** Return the scores of a wake word as a picture: filled for a detection, hollow for a near miss, a line for the threshold. */
export function createScoreChart(history, threshold) {
  const scored = history.filter((one) => one.score !== null);
  const detections = scored.filter((one) => one.detected).length;
  const text = t("Detections: {detections}, near misses: {missed}", { detections: detections, missed: scored.length - detections });
  const chart = shape("svg", { viewBox: "0 0 " + WIDTH + " " + HEIGHT, class: "chart", role: "img", "aria-label": text });
  [0, 0.5, 1].forEach((score) => {
    chart.appendChild(shape("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: yOf(score), y2: yOf(score) }));
    chart.appendChild(shape("text", { class: "axis", x: LEFT - 6, y: yOf(score) + 4, "text-anchor": "end" }, String(score)));
  });
  if (threshold !== null) {
    chart.appendChild(shape("line", { class: "threshold", x1: LEFT, x2: WIDTH, y1: yOf(threshold), y2: yOf(threshold) }));
  }
  scored.forEach((one, index) => chart.appendChild(createPoint(one, index, scored.length)));
  addTimes(chart, scored);
  return chart;
}

function createPoint(one, index, total) {
  const kind = one.detected ? "detected" : "missed";
  const x = xOf(index, total);
  const title = (one.detected ? t("Detected") : t("Near miss")) + ", " + one.score.toFixed(2) + ", " + one.satellite + ", " + formatMoment(one.at);
  const stem = shape("line", { class: "stem " + kind, x1: x, x2: x, y1: yOf(0), y2: yOf(one.score) });
  const point = shape("circle", { class: "point " + kind, cx: x, cy: yOf(one.score), r: 5 }, shape("title", {}, title));
  return shape("g", {}, stem, point);
}

function addTimes(chart, scored) {
  if (scored.length > 0) {
    chart.appendChild(shape("text", { class: "axis", x: LEFT, y: HEIGHT - 2 }, formatMoment(scored[0].at)));
  }
  if (scored.length > 1) {
    const last = formatMoment(scored[scored.length - 1].at);
    chart.appendChild(shape("text", { class: "axis", x: WIDTH, y: HEIGHT - 2, "text-anchor": "end" }, last));
  }
}

function xOf(index, total) {
  const margin = 12;
  const wide = WIDTH - LEFT - 2 * margin;
  return LEFT + margin + (total > 1 ? (wide * index) / (total - 1) : wide / 2);
}

function yOf(score) {
  return TOP + (1 - score) * (HEIGHT - TOP - BOTTOM - 8);
}
