/** Whatever a developer can do in the other languages can be done here, or it is said why not. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import * as node from "../dist/node/index.js";
import * as testing from "../dist/testing/index.js";

const windlass = { ...node, ...testing };

const STUB = fileURLToPath(new URL("../../python/src/windlass_chat/_native/__init__.pyi", import.meta.url));

/** What has another name or shape here. */
const ELSEWHERE = {
  "Client.create": "static",
  "Client.open": "static",
  "Client.single_use_bundle": "invitation",
  "Client.single_use_bundles": "invitations",
  "Client.send_body": "send",
  "Client.set_outbox_listener": "onOutbox",
  "Client.set_change_listener": "onChange",
  "Client.export_backup": "backup",
  // What takes a message here takes `{ author, id }` as well.
  "Conversation.delete_message": "delete",
  "Conversation.delete_message_for_me": "deleteForMe",
  "Conversation.edit_message": "edit",
  "Conversation.react_to": "react",
  "Conversation.unreact_to": "unreact",
  "Conversation.send_body": "send",
  "Conversation.send_attachment": "send",
  "Conversation.save_attachment": "decryptFile",
  "DeviceLink.to_uri": "code",
  "Session.peer": "address",
  "Session.state": "status",
};

/** What is not here: no key leaves a worker, and a page may be hostile; and where there are no databases nobody shares the work. */
const MISSING = ["Client.identity", "Client.claim_work", "Client.release_work"];

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

/** `GROUP_CHANGED` is `GroupChanged` in Rust. */
const pascal = (name) => name.toLowerCase().replace(/(?:^|_)(.)/g, (_, letter) => letter.toUpperCase());

/** The fields of the records of the stub, and those of its kinds of events and bodies, by their names. */
function fields() {
  const [records, kinds] = [{}, {}];
  let [record, kind] = [];
  for (const line of fs.readFileSync(STUB, "utf8").split("\n")) {
    const begun = /^class (\w+)/.exec(line)?.[1];
    if (begun !== undefined) [record, kind] = [begun, undefined];
    const inner = /^ {4}class (\w+)/.exec(line)?.[1];
    if (inner !== undefined) (kinds[record] ??= {})[(kind = pascal(inner))] = [];
    const field = /^( {4}| {8})(\w+): /.exec(line);
    if (field === null) continue;
    if (field[1].length === 4) (records[record] ??= []).push(field[2]);
    // Further in stand the parameters of what makes a record, too.
    else if (kind !== undefined && ["Event", "Body"].includes(record)) kinds[record][kind].push(field[2]);
  }
  return [records, kinds];
}

/** What the crate hands over, as it is written there: `Name { field, field }`. */
function handed(file) {
  const source = fs.readFileSync(new URL(`../wasm/src/${file}`, import.meta.url), "utf8");
  const all = {};
  for (const [, name, given] of source.matchAll(/^ {4,8}(\w+) \{([\w\s,]*)\}/gm)) all[name] = given.split(",").map((one) => one.trim()).filter(Boolean);
  return all;
}

test("every field of a record, and every kind of event, is handed over", () => {
  const [records, kinds] = fields();
  const missing = [];
  for (const [name, given] of Object.entries(handed("records.rs"))) {
    for (const field of records[name] ?? []) if (!given.includes(field)) missing.push(`${name}.${field}`);
  }
  const events = handed("events.rs");
  for (const type of ["Event", "Body"]) {
    for (const [kind, given] of Object.entries(kinds[type])) {
      for (const field of given) if (!events[kind]?.includes(field)) missing.push(`${type}.${kind}.${field}`);
      if (events[kind] === undefined) missing.push(`${type}.${kind}`);
    }
  }
  assert.ok(Object.keys(handed("records.rs")).length > 20 && Object.keys(kinds.Event).length > 20);
  assert.ok(records.Contact.length > 5 && kinds.Event.Reacted.length > 3);
  assert.deepEqual(missing, []);
});

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

test("every call of the facade has its own here", () => {
  const stub = methods();
  const missing = [];
  for (const name of ["Client", "Conversation", "Session", "DeviceLink", "CodeReader", "Simulation"]) {
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
