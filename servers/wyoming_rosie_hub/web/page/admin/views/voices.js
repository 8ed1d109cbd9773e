/* Voices: how they sound with one's own text. */

import { button, element, field, nothing, replace, setText, showList } from "../dom.js";
import { formatMs } from "../format.js";
import { ICONS } from "../icons.js";
import { text as t } from "../../text.js";

const MAX_CHARACTERS = 300;
const SAMPLE = "Good evening. The kitchen light is on, and your tea is ready in five minutes.";

export const voices = { id: "voices", title: "Voices", scope: "read", icon: ICONS.voices, open: openVoices };

function openVoices(page) {
  const text = element("textarea", { rows: 2, maxlength: MAX_CHARACTERS, value: t(SAMPLE) });
  const list = element("ul", { class: "cards" });
  const empty = nothing(t("No voice is known."), element("p", {}, t("The tts daemon names them when it runs:"), " ", element("code", {}, "wyoming-rosie-tts"), "."));
  const attempt = { page: page, text: text, sound: new Audio() };
  empty.hidden = true;
  page.add(element("div", { class: "card" }, field(t("Text to speak"), text)), empty, list);
  page.load(async () => {
    const found = await page.api.get("voices");
    empty.hidden = found.length > 0;
    showList(list, found, (voice) => voice.name, (voice) => createVoice(voice, attempt));
  });
}

function createVoice(voice, attempt) {
  const speaker = element("select", { "aria-label": t("Speaker of {name}", { name: voice.name }) });
  const facts = element("p", { class: "soft" });
  const result = element("p", { class: "soft small", role: "status" });
  const badge = element("span", { class: "phase" });
  const play = button(t("Listen"), () => tryVoice(voice.name, speaker.value, attempt, result), { "aria-label": t("Listen to {name}", { name: voice.name }) }, ICONS.play);
  const head = element("div", { class: "card-head" }, element("h3", {}, voice.name), badge);
  const card = element("li", { class: "card" }, head, facts, element("div", { class: "controls" }, play, speaker), result);
  card.update = (now) => {
    setText(facts, [now.language, now.description].filter(Boolean).join(" · "));
    badge.hidden = now.installed && !now.is_default;
    badge.dataset.state = now.installed ? "listening" : "offline";
    setText(badge, now.installed ? t("Default") : t("Not installed"));
    play.disabled = !now.installed || !attempt.page.may("audio");
    speaker.hidden = now.speakers.length < 2;
    if (speaker.options.length !== now.speakers.length) {
      replace(speaker, now.speakers.map((name) => element("option", { value: name }, name)));
    }
  };
  return card;
}

async function tryVoice(name, speaker, attempt, result) {
  const began = performance.now();
  const body = Object.assign({ voice: name, text: attempt.text.value.trim() }, speaker ? { speaker: speaker } : {});
  setText(result, t("Speaking…"));
  const blob = await attempt.page.attempt(() => attempt.page.api.postForSound("voices/try", body));
  setText(result, blob === undefined ? "" : t("Spoken after {time}.", { time: formatMs(performance.now() - began) }));
  if (blob !== undefined && attempt.page.isOpen) {
    play(attempt.sound, blob);
  }
}

function play(sound, blob) {
  URL.revokeObjectURL(sound.src);
  sound.src = URL.createObjectURL(blob);
  sound.play().catch(() => undefined); // another voice was chosen meanwhile, or the browser shows that it forbids sound
}
