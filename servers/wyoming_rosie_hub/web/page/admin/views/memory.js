/* Memory: says why it is not there, until it is. */

import { element, nothing, replace } from "../dom.js";
import { ICONS } from "../icons.js";
import { text as t } from "../../text.js";

export const memory = { id: "memory", title: "Memory", scope: "read", icon: ICONS.memory, open: openMemory };

function openMemory(page) {
  const content = element("div", {});
  page.add(content);
  page.load(async () => {
    const health = await page.api.getHealth("memory");
    replace(content, nothing(sentence(health.reason || t("the memory answers"))));
  });
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
