// Serves the page: node serve.js [port] [broker]. A server of yours sends the same files with the same headers; a bundler puts them together.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const [, , port = "8080", broker = "ws://localhost:9001"] = process.argv;
const here = fileURLToPath(new URL(".", import.meta.url));
const windlass = fileURLToPath(new URL("..", import.meta.resolve("windlass-chat")));
const mqtt = fileURLToPath(new URL("../dist/mqtt.esm.js", import.meta.resolve("mqtt")));

const TYPES = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".svg": "image/svg+xml" };
const HEADERS = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' blob:",
    "media-src 'self' blob:",
    `connect-src 'self' ${broker}`,
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-cache",
};

/** The file that a path of the page means. */
function fileOf(path) {
  if (path === "/") return join(here, "index.html");
  if (path === "/mqtt.js") return mqtt;
  if (path.startsWith("/windlass/")) return join(windlass, path.slice("/windlass/".length));
  return join(here, path);
}

const server = createServer(async ({ url }, answer) => {
  const path = normalize(new URL(url, "http://localhost").pathname);
  try {
    if (path === "/broker.js") {
      answer.writeHead(200, { ...HEADERS, "Content-Type": TYPES[".js"] }).end(`export default ${JSON.stringify(broker)};`);
      return;
    }
    let content = await readFile(fileOf(path));
    // Browsers find a package by its path alone.
    if (path === "/windlass/mqtt.js") content = content.toString().replace('from "mqtt"', 'from "/mqtt.js"');
    answer.writeHead(200, { ...HEADERS, "Content-Type": TYPES[extname(fileOf(path))] ?? "text/plain" }).end(content);
  } catch {
    answer.writeHead(404, HEADERS).end();
  }
});
server.listen(Number(port), "127.0.0.1", () => console.log(`http://localhost:${server.address().port}/`));
