/* Plugins: what was added to the house, and whether it works. */

import { element, nothing, replace, setText, showList } from "../dom.js";
import { words } from "../format.js";
import { ICONS } from "../icons.js";
import { text as t } from "../../text.js";

export const plugins = { id: "plugins", title: "Plugins", scope: "read", icon: ICONS.plugins, open: openPlugins };

function openPlugins(page) {
  const list = element("ul", { class: "cards" });
  const empty = nothing(t("No plugin is installed."), element("p", {}, t("docs/plugins.md shows how to write one, in a file of a few lines.")));
  empty.hidden = true;
  page.add(empty, list);
  page.load(async () => {
    const found = await page.api.get("plugins");
    empty.hidden = found.length > 0;
    showList(list, found, (plugin) => plugin.kind + "/" + plugin.name, createPlugin);
  });
}

function createPlugin(plugin) {
  const state = element("span", { class: "phase" });
  const facts = element("p", { class: "soft" });
  const problem = element("p", {});
  const step = element("p", { class: "next-step" });
  const notice = element("div", { class: "notice" }, element("div", {}, problem, step));
  const sentences = element("ul", { class: "sentences" });
  const card = element("li", { class: "card" }, element("div", { class: "card-head" }, element("h3", {}, plugin.name), state), facts, notice, sentences);
  card.update = (now) => {
    state.dataset.state = now.problem ? "problem" : "listening";
    setText(state, now.problem ? t("Does not work") : t("Works"));
    setText(facts, [words(now.kind), now.version].filter(Boolean).join(" · "));
    notice.hidden = !now.problem;
    setText(problem, now.problem);
    setText(step, now.next_step);
    replace(sentences, (now.sentences || []).map((sentence) => element("li", {}, "“" + sentence + "”")));
  };
  return card;
}
