/* Turns: the last turns, each with a bar for every stage. */

import { part } from "../api.js";
import { createStageBars } from "../charts.js";
import { element, nothing, replace, setText, showList } from "../dom.js";
import { formatAgo, formatMoment, formatMs, now } from "../format.js";
import { ICONS } from "../icons.js";
import { answerMs, failureOf, stagesOf } from "../turn-stages.js";
import { text as t } from "../../text.js";

const SHOWN = 50;
const AGO_MS = 30000;

export const turns = { id: "turns", title: "Turns", scope: "read", icon: ICONS.turns, open: openTurns };

function openTurns(page) {
  const list = element("ol", { class: "turns-list" });
  const empty = nothing(t("Nobody has asked anything since the hub started."));
  let known = [];
  empty.hidden = true;
  page.add(empty, list);

  function show() {
    empty.hidden = known.length > 0;
    showList(list, known, (turn) => turn.turn_id, (turn) => createTurn(turn, turn.turn_id === page.argument));
  }

  page.load(async () => {
    known = await page.api.get("turns?limit=" + SHOWN);
    if (page.argument && !known.some((turn) => turn.turn_id === page.argument)) {
      known = known.concat(await page.api.get("turns/" + part(page.argument)));
    }
    show();
    const wanted = list.querySelector("details[open]");
    if (wanted !== null) {
      wanted.parentElement.scrollIntoView({ block: "nearest" });
    }
  });
  page.listen("turn", (turn) => {
    known = [turn].concat(known.filter((one) => one.turn_id !== turn.turn_id)).sort((one, other) => other.started_at - one.started_at).slice(0, SHOWN);
    show();
  });
  page.every(AGO_MS, show);
}

function createTurn(turn, isOpen) {
  const title = element("span", { class: "turn-title" });
  const outcome = element("span", { class: "phase" });
  const facts = element("span", { class: "soft turn-facts" });
  const body = element("div", { class: "turn-body" });
  const details = element("details", { open: isOpen }, element("summary", {}, title, outcome, facts), body);
  const item = element("li", { class: "card turn-card" }, details);
  let shown = "";
  item.update = (now_) => {
    showSummary(title, outcome, facts, now_);
    const written = JSON.stringify(now_);
    if (written !== shown) {
      shown = written;
      replace(body, describe(now_));
    }
  };
  return item;
}

function showSummary(title, outcome, facts, turn) {
  const failure = failureOf(turn);
  const ms = answerMs(turn);
  setText(title, turn.heard ? "“" + turn.heard + "”" : turn.intents.join(", ") || (turn.steps.some((step) => step.step === "announced") ? t("Announcement") : t("A turn")));
  outcome.dataset.state = failure !== null ? "problem" : turn.outcome === null ? "thinking" : "listening";
  setText(outcome, failure !== null ? t("Failed: {reason}", { reason: failure }) : turn.outcome === null ? t("Under way") : turn.outcome === "done" ? t("Done") : turn.outcome);
  const place = turn.area && turn.area !== turn.satellite ? turn.area + ", " + turn.satellite : turn.satellite;
  setText(facts, [place, ms === null ? null : t("{time} to the answer", { time: formatMs(ms) }), formatAgo(turn.started_at, now())].filter(Boolean).join(" · "));
}

function describe(turn) {
  const wake = turn.steps.find((step) => step.step === "wake");
  const facts = [
    [t("Heard"), turn.heard],
    [t("Answered"), turn.answer],
    [t("Intents"), turn.intents.join(", ")],
    [t("Began by"), wake && wake.detail === "text" ? t("writing") : wake && wake.detail],
    [t("At"), formatMoment(turn.started_at)],
    [t("Turn"), turn.turn_id],
  ].filter((fact) => fact[1]);
  const stages = stagesOf(turn.steps);
  const bars = stages.length > 0 ? createStageBars(stages) : element("p", { class: "soft" }, t("It has just begun."));
  const words = turn.heard === null ? element("p", { class: "soft small" }, t("The words are kept only with the setting"), " ", element("code", {}, "web.log_text"), ".") : null;
  return [bars, element("dl", { class: "facts-list" }, facts.map((fact) => [element("dt", {}, fact[0]), element("dd", {}, fact[1])])), words];
}
