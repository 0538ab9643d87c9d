// Keeps the page itself, so that from the second visit on it opens without a network. Messages are in the store, and wait in its outbox.

const SHELL = "shell 1";

addEventListener("install", (event) => {
  const files = ["/", "/page.css", "/page.js", "/ask.js", "/codes.js", "/chats.js", "/devices.js", "/wire.js", "/icon.svg", "/broker.js", "/mqtt.js"];
  event.waitUntil(caches.open(SHELL).then((shell) => shell.addAll(files)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith(
    (async () => {
      const shell = await caches.open(SHELL);
      try {
        const answer = await fetch(event.request);
        if (answer.ok) await shell.put(event.request, answer.clone());
        return answer;
      } catch (error) {
        const kept = await shell.match(event.request);
        if (kept === undefined) throw error;
        return kept;
      }
    })(),
  );
});
