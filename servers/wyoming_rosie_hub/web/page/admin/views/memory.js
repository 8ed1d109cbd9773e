/* Memory: what the house remembers: to search, to look through, and to forget. */

import { button, element, field, nothing, setText, showList } from "../dom.js";
import { formatMegabytes, formatMoment } from "../format.js";
import { ICONS } from "../icons.js";
import { text as t } from "../../text.js";

const PAGE_SIZE = 30;
const BYTES_PER_MB = 1e6;
const KINDS = [["", "Everything"], ["fact", "Facts"], ["conversation", "What was said"], ["document", "Files"]];
const KIND_NAMES = new Map(KINDS);

export const memory = { id: "memory", title: "Memory", scope: "read", icon: ICONS.memory, open: openMemory };

function openMemory(page) {
  const list = element("ul", { class: "cards wide", "aria-label": t("Memories") });
  const empty = nothing(t("Nothing is remembered here yet."), element("p", {}, t("Say “remember that my bin day is Tuesday”.")));
  const facts = element("p", { class: "soft", role: "status" });
  const more = button(t("Show more"), () => page.run(loadMore), { hidden: true });
  const filter = createFilter(page.may("text"), () => page.run(load));
  let shown = [];
  empty.hidden = true;

  function show(records, hasMore) {
    shown = records;
    more.hidden = !hasMore;
    empty.hidden = shown.length > 0;
    showList(list, shown, (record) => record.id, (record) => createMemory(page, record, () => page.run(load)));
  }

  async function load() {
    const query = filter.text();
    if (query) {
      const kind = filter.kind() ? { kind: filter.kind() } : {};
      const answer = await page.api.post("memory/query", Object.assign({ text: query, limit: PAGE_SIZE }, kind));
      show(answer.found.map((found) => found.record), false);
    } else {
      const answer = await page.api.get(pageOf(filter.kind()));
      show(answer.records, answer.has_more);
    }
    setText(facts, describe(await page.api.get("memory/stats")));
  }

  async function loadMore() {
    const answer = await page.api.get(pageOf(filter.kind(), shown[shown.length - 1].id));
    show(shown.concat(answer.records), answer.has_more);
  }

  page.add(filter.form, facts, empty, list, more);
  page.load(load);
}

function pageOf(kind, before) {
  const query = new URLSearchParams({ limit: PAGE_SIZE });
  if (kind) {
    query.set("kind", kind);
  }
  if (before) {
    query.set("before", before);
  }
  return "memory?" + query;
}

function createFilter(canSearch, onChange) {
  const search = element("input", { type: "search", maxlength: 1000 });
  const kind = element("select", { onchange: onChange }, KINDS.map(([value, name]) => element("option", { value: value }, t(name))));
  const go = element("button", { class: "primary", type: "submit" }, t("Search"));
  const form = element("form", { class: "card", role: "search", "aria-label": t("Search the memory") }, canSearch && field(t("Words or a question"), search), field(t("Kind"), kind), canSearch && go);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onChange();
  });
  return { form: form, text: () => search.value.trim(), kind: () => kind.value };
}

function createMemory(page, record, reload) {
  const head = element("p", { class: "soft" });
  const text = element("p", { class: "said" });
  const tags = element("p", { class: "chips" });
  const card = element("li", { class: "card" }, head, text, tags);
  if (page.may("admin")) {
    card.appendChild(button(t("Forget"), () => askToForget(page, record, reload), { class: "quiet danger", "aria-label": t("Forget: {text}", { text: record.text.slice(0, 80) }) }));
  }
  card.update = (now) => {
    const where = [t(KIND_NAMES.get(now.kind)), now.person, now.room, now.source && now.source.split("/").pop(), formatMoment(now.at)];
    setText(head, where.filter(Boolean).join(" · "));
    setText(text, now.text);
    setText(tags, now.tags.join(", "));
  };
  return card;
}

function askToForget(page, record, reload) {
  page.shell.confirm(t("Forget this?"), record.text.slice(0, 300), t("Forget"), async () => {
    await page.attempt(() => page.api.post("memory/forget", { ids: [record.id] }), t("It is forgotten, without a trace."));
    reload();
  });
}

/** Return how much is remembered and how it is found, as a sentence. */
function describe(stats) {
  const counts = KINDS.slice(1).map(([kind, name]) => t(name) + ": " + (stats.counts[kind] || 0));
  const found = stats.model ? t("Found by meaning ({model})", { model: stats.model }) : t("Found by words");
  return counts.concat(formatMegabytes(stats.size / BYTES_PER_MB), found, stats.problem, stats.embedding_problem).filter(Boolean).join(" · ");
}
