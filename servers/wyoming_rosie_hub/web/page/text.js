/* Text: what a page says, in the person's language. Each page has a folder of texts, one JSON file for each language. A text is
   found by its key: a name on the talking page, the English sentence on the page of the house. */

export const LANGUAGES = ["en", "de", "es", "fr", "it", "nl"]; // the first one is for everybody else
const ATTRIBUTES = { "data-text-label": "aria-label", "data-text-placeholder": "placeholder" };

let texts = {};
let language = LANGUAGES[0];

/** Return the first of `wanted`, such as "de-AT", that is among the languages. */
export function chooseLanguage(wanted) {
  const known = wanted.map(primary).find((tag) => LANGUAGES.indexOf(tag) >= 0);
  return known || LANGUAGES[0];
}

/** Load the texts of a folder, as `?language=` or the browser says, and put them into the document. */
export async function loadTexts(folder) {
  const asked = new URLSearchParams(location.search).get("language");
  language = chooseLanguage((asked ? [asked] : []).concat(navigator.languages || []));
  const answer = await fetch(folder + language + ".json");
  texts = answer.ok ? await answer.json() : {};
  document.documentElement.lang = language;
  translate(document);
}

/** Return how the person writes times and numbers: the browser's "de-AT" for texts in German. */
export function textLocale() {
  const own = (navigator.languages || []).find((tag) => primary(tag) === language);
  return own || language;
}

/** Return whether there is a text of this key. */
export function hasText(key) {
  return Object.prototype.hasOwnProperty.call(texts, key);
}

/** Return the text of a key; `values` fill its {blanks}. */
export function text(key, values) {
  const template = hasText(key) ? texts[key] : key;
  return template.replace(/\{(\w+)\}/g, (blank, name) => (values && name in values ? String(values[name]) : blank));
}

/** Put the texts into the elements below `root` that name one: data-text, data-text-label, data-text-placeholder. */
export function translate(root) {
  root.querySelectorAll("[data-text]").forEach((element) => {
    element.textContent = text(element.dataset.text);
  });
  Object.keys(ATTRIBUTES).forEach((named) => {
    root.querySelectorAll("[" + named + "]").forEach((element) => {
      element.setAttribute(ATTRIBUTES[named], text(element.getAttribute(named)));
    });
  });
}

function primary(tag) {
  return tag.toLowerCase().split("-")[0];
}
