/* Offline page: opens the real one as soon as the hub answers. */

import { loadTexts } from "./text.js";

const PAUSE_MS = 5000;

async function look() {
  try {
    await fetch("/health", { cache: "no-store" });
    location.reload();
  } catch (error) {
    setTimeout(look, PAUSE_MS);
  }
}

document.getElementById("again").addEventListener("click", () => location.reload());
setTimeout(look, PAUSE_MS);
loadTexts("/texts/");
