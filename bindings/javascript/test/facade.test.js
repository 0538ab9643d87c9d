/** Whatever a developer can do in the other languages can be done here, or it is said why not. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import * as windlass from "../dist/node/index.js";

const STUB = fileURLToPath(new URL("../../python/src/windlass_chat/_native/__init__.pyi", import.meta.url));

/** What has another name or shape here. */
const ELSEWHERE = {
  "Client.create": "static",
  "Client.open": "static",
  "Client.single_use_bundle": "invitation",
  "Client.single_use_bundles": "invitations",
  "Client.send_body": "send",
  "Client.set_outbox_listener": "onOutbox",
  "Client.export_backup": "backup",
  "Conversation.send_body": "send",
  "Conversation.send_attachment": "send",
  "Conversation.save_attachment": "decryptFile",
  "DeviceLink.to_uri": "code",
  "Session.peer": "address",
  "Session.state": "status",
};

/** What is not here: no key leaves a worker, and a page may be hostile. */
const MISSING = ["Client.identity"];

/** The methods of the classes of the stub, by the name of the class. */
function methods() {
  const classes = {};
  let last;
  for (const line of fs.readFileSync(STUB, "utf8").split("\n")) {
    last = /^class (\w+)/.exec(line)?.[1] ?? last;
    const method = /^ {4}def ([a-z]\w*)\(/.exec(line)?.[1];
    if (method !== undefined) (classes[last] ??= []).push(method);
  }
  return classes;
}

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

test("every call of the facade has its own here", () => {
  const stub = methods();
  const missing = [];
  for (const name of ["Client", "Conversation", "Session", "DeviceLink", "CodeReader"]) {
    const known = windlass[name];
    assert.ok(stub[name].length > 1, name);
    const own = [];
    for (let part = known.prototype; part !== Object.prototype; part = Object.getPrototypeOf(part)) own.push(...Object.getOwnPropertyNames(part));
    for (const method of stub[name]) {
      const here = ELSEWHERE[`${name}.${method}`] ?? camel(method);
      // The address of a conversation or session is a property of it.
      const is = here === "static" ? camel(method) in known : own.includes(here) || here === "address";
      if (!is) missing.push(`${name}.${method}`);
    }
  }
  assert.deepEqual(missing, MISSING);
});
