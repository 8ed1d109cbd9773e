/* Wake words: their scores so far with the threshold, live scores, and a test. */

import { createScoreChart, createScoreMeter } from "../charts.js";
import { button, element, nothing, replace, setText, showList } from "../dom.js";
import { formatMoment, now } from "../format.js";
import { ICONS } from "../icons.js";
import { text as t } from "../../text.js";

const TEST_SECONDS = 10;

export const wakeWords = { id: "wake-words", title: "Wake words", scope: "read", icon: ICONS.wakewords, open: openWakeWords };

function openWakeWords(page) {
  const list = element("ul", { class: "cards wide" });
  const empty = nothing(t("No wake word is known yet."), element("p", {}, t("The wake daemon names them when it runs:"), " ", element("code", {}, "wyoming-rosie-wake"), "."));
  empty.hidden = true;
  page.add(empty, list);

  async function loadWords() {
    const found = await page.api.get("wake-words");
    empty.hidden = found.length > 0;
    showList(list, found, (word) => word.name, createWord);
  }

  page.load(loadWords);
  page.listen("levels", (levels) => {
    Array.from(list.children).forEach((card) => card.onScores(levels.satellite, levels.wake_scores || {}));
  });
  page.listen("satellite", () => page.run(loadWords)); // one that listens now has heard a wake word
}

function createWord(word) {
  const facts = element("p", { class: "soft" });
  const meters = element("ul", { class: "live-scores", "aria-label": t("Live scores") });
  const history = createHistory();
  const test = new WakeWordTest(word);
  const head = element("div", { class: "card-head" }, element("h3", {}, spoken(word.name)), test.button);
  const card = element("li", { class: "card" }, head, facts, meters, test.result, history);
  card.update = (known) => {
    const threshold = known.threshold === null ? null : t("threshold {number}", { number: known.threshold });
    setText(facts, [known.engine, known.model, threshold, known.satellites.join(", ")].filter(Boolean).join(" · "));
    test.threshold = known.threshold;
    test.onHistory(known.history);
    history.update(known);
  };
  card.onScores = (satellite, scores) => {
    const known = Object.keys(scores).find((name) => spoken(name) === spoken(word.name));
    if (known !== undefined) {
      findMeter(meters, satellite, word.name, test.threshold).setScore(scores[known]);
      test.onScore(satellite, scores[known]);
    }
  };
  return card;
}

/** Return the chart of a wake word's scores, and the same as a table, as an element with update(word). */
function createHistory() {
  const picture = element("div", { class: "chart-frame" });
  const rows = element("tbody", {});
  const heads = [t("When"), t("Where"), t("Score"), ""].map((name) => element("th", { scope: "col" }, name || element("span", { class: "unseen" }, t("Detected"))));
  const table = element("table", {}, element("thead", {}, element("tr", {}, heads)), rows);
  const details = element("details", { class: "as-table" }, element("summary", {}, t("As a table")), element("div", { class: "scroll" }, table));
  const history = element("div", {}, picture, details);
  let shown = "";
  history.update = (word) => {
    const written = JSON.stringify(word.history);
    if (written !== shown) {
      shown = written;
      details.hidden = word.history.length === 0;
      replace(picture, word.history.some((one) => one.score !== null) ? createScoreChart(word.history, word.threshold) : describeUnscored(word.history));
      replace(rows, word.history.slice().reverse().map(createRow));
    }
  };
  return history;
}

function describeUnscored(history) {
  const text = history.length > 0 ? t("Heard {number} times; the engine reports no scores.", { number: history.length }) : t("Not heard yet.");
  return element("p", { class: "soft" }, text);
}

function createRow(one) {
  const cells = [formatMoment(one.at), one.satellite, one.score === null ? "–" : one.score.toFixed(2), one.detected ? t("detected") : t("near miss")];
  return element("tr", {}, cells.map((text) => element("td", {}, text)));
}

function findMeter(meters, satellite, name, threshold) {
  const found = Array.from(meters.children).find((item) => item.dataset.satellite === satellite);
  if (found !== undefined) {
    return found.meter;
  }
  const item = element("li", { "data-satellite": satellite }, element("span", { class: "soft" }, satellite));
  item.meter = createScoreMeter(t("Score of {name} at {place}", { name: spoken(name), place: satellite }), threshold);
  item.appendChild(item.meter);
  meters.appendChild(item);
  return item.meter;
}

/** Listens for ten seconds for the best score, and says what it means. */
class WakeWordTest {
  constructor(word) {
    this.name = spoken(word.name);
    this.threshold = word.threshold;
    this.result = element("p", { class: "test-result", role: "status", hidden: true });
    this.button = button(t("Say it now"), () => this.start(), { "aria-label": t("Test {name}: say it now", { name: this.name }) }, ICONS.mute);
    this.isRunning = false;
  }

  get isHeard() {
    return this.isDetected || (this.threshold !== null && this.best >= this.threshold);
  }

  start() {
    this.stop();
    this.best = 0;
    this.where = "";
    this.isDetected = false;
    this.isRunning = true;
    this.startedAt = now();
    this.show(t("Say “{name}” now, within {number} seconds.", { name: this.name, number: TEST_SECONDS }), "");
    this.timer = setTimeout(() => this.finish(), TEST_SECONDS * 1000);
  }

  onScore(satellite, score) {
    if (!this.isRunning) {
      return;
    }
    if (this.where === "" || score > this.best) {
      this.best = score;
      this.where = satellite;
    }
    if (this.isHeard) {
      this.finish();
    }
  }

  /** End when a detection is in the history that is newer than the test: then its score is the answer. */
  onHistory(history) {
    const detection = history.find((one) => one.detected && one.at >= this.startedAt);
    if (this.isRunning && detection !== undefined) {
      this.isDetected = true;
      this.where = detection.satellite;
      this.best = Math.max(this.best, detection.score || 0);
      this.finish();
    }
  }

  finish() {
    this.stop();
    if (this.where === "") {
      this.show(t("No satellite has reported a score. It must be connected, not muted, and listen for this word."), "bad");
    } else if (this.isHeard) {
      this.show(t(this.best > 0 ? "Heard at {place} with {score}." : "Heard at {place}.", { place: this.where, score: this.best.toFixed(2) }), "good");
    } else {
      const needed = this.threshold === null ? "" : " " + t("{number} are needed. Come closer, or lower the threshold in the settings.", { number: this.threshold });
      this.show(t("Not heard: the best score was {score} at {place}.", { score: this.best.toFixed(2), place: this.where }) + needed, "bad");
    }
  }

  stop() {
    clearTimeout(this.timer);
    this.isRunning = false;
  }

  show(text, kind) {
    this.result.hidden = false;
    this.result.className = "test-result " + kind;
    setText(this.result, text);
  }
}

function spoken(name) {
  return name.toLowerCase().replace(/[_-]+/g, " ");
}
