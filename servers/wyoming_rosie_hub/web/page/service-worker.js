/* Service worker: shows a page of its own while the hub cannot be reached. Everything else comes from the hub. */

const CACHE = "offline-3";
const LANGUAGES = ["en", "de", "es", "fr", "it", "nl"];
const TEXTS = LANGUAGES.map((language) => "/texts/" + language + ".json");
const KEPT = ["/offline.html", "/offline.js", "/text.js", "/tokens.css", "/style.css", "/icon.svg"].concat(TEXTS);

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(KEPT)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name !== CACHE);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))));
});

self.addEventListener("fetch", (event) => {
  const path = new URL(event.request.url).pathname;
  if (event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(() => caches.match("/offline.html")));
  } else if (KEPT.indexOf(path) >= 0) {
    event.respondWith(fetch(event.request).catch(() => caches.match(path)));
  }
});
