/** What a program handed over, looked at before it goes to the core: JavaScript checks no types. */

import type { Engine } from "./engine.js";
import { InvalidContent } from "./errors.js";
import { EncryptedFile } from "./encrypted_file.js";
import type { LinkPreview, RichText, TextRun, TextStyle } from "./rich_text.js";
import type { MessageIn, MessageName, OutgoingMessage, Sendable, StateChange, StateOwner } from "./values.js";

/** What opens a store. */
export type Key =
  /** A passphrase. Every guess of it costs 64 MiB and some tenths of a second. */
  | { passphrase: string }
  /** 32 bytes that are as good as random. */
  | { key: Uint8Array }
  /** What a file or a variable holds: 64 hexadecimal digits or 32 bytes, a key; any other line of text, a passphrase. */
  | { content: string | Uint8Array };

/** A key as the core takes it: its kind, and bytes that are wiped after the call. */
export function key(given: Key): [kind: string, bytes: Uint8Array] {
  if (given instanceof Object && "passphrase" in given) return ["passphrase", encode(text(given.passphrase))];
  if (given instanceof Object && "content" in given) {
    const content = given.content;
    return ["content", typeof content === "string" ? encode(text(content)) : bytes(content).slice()];
  }
  if (given instanceof Object && "key" in given) return ["key", bytes(given.key).slice()];
  throw new TypeError("a store is opened with { passphrase }, { key } or { content }");
}

/** A backup, and what opens it. */
export function backup(content: Blob, opener: Key): { backup: { content: Blob; kind: string; key: Uint8Array } } {
  if (!(content instanceof Blob)) throw new TypeError(`a Blob is needed, not ${kindOf(content)}`);
  const [kind, bytes] = key(opener);
  return { backup: { content, kind, key: bytes } };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A text without halves of characters, which would be replaced in silence. */
export function text(given: unknown): string {
  if (typeof given !== "string") throw new TypeError(`a text is needed, not ${kindOf(given)}`);
  if (/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(given)) {
    throw new InvalidContent({
      message: "a text ends or goes on in the middle of a character",
      code: "invalid_content",
      retry: false,
      advice: "Give text without halves of characters.",
    });
  }
  return given;
}

export function texts(given: unknown): string[] {
  if (!Array.isArray(given)) throw new TypeError(`an array of texts is needed, not ${kindOf(given)}`);
  return given.map(text);
}

export function bytes(given: unknown): Uint8Array {
  if (given instanceof Uint8Array) return given;
  throw new TypeError(`a Uint8Array is needed, not ${kindOf(given)}`);
}

/** A whole number that the core can count to. */
export function count(given: unknown, most = 0xffff_ffff): number {
  if (typeof given === "number" && Number.isInteger(given) && given >= 0 && given <= most) return given;
  throw new TypeError(`a whole number up to ${most} is needed, not ${typeof given === "number" ? given : kindOf(given)}`);
}

/** A number of the store. */
export function number(given: unknown): number {
  return count(given, Number.MAX_SAFE_INTEGER);
}

export function numbers(given: unknown): Float64Array {
  if (!Array.isArray(given)) throw new TypeError(`an array of numbers is needed, not ${kindOf(given)}`);
  return Float64Array.from(given, number);
}

export function flag(given: unknown): boolean {
  if (typeof given === "boolean") return given;
  throw new TypeError(`true or false is needed, not ${kindOf(given)}`);
}

/** A time, in milliseconds since the epoch; before that there is none. */
export function time(given: unknown): number {
  if (!(given instanceof Date)) throw new TypeError(`a Date is needed, not ${kindOf(given)}`);
  if (Number.isNaN(given.getTime())) throw new TypeError("a Date is needed that is a time");
  return Math.max(0, given.getTime());
}

export function body(engine: Engine, given: string | Sendable): object {
  if (typeof given === "string") return { type: "text", text: text(given) };
  if (!(given instanceof Object)) throw new TypeError(`a text or a body is needed, not ${kindOf(given)}`);
  switch (given.type) {
    case "text":
      return { type: "text", text: text(given.text) };
    case "data":
      return { type: "data", mediaType: text(given.mediaType), data: bytes(given.data) };
    case "opaque":
      return { type: "opaque", data: bytes(given.data) };
    case "file":
      return { type: "file", number: file(engine, given.file), location: text(given.location) };
    default:
      // The core says which error that is.
      return given;
  }
}

function file(engine: Engine, given: unknown): number {
  if (given instanceof EncryptedFile) return given.numberOf(engine);
  throw new TypeError(`what encryptFile answered is needed, not ${kindOf(given)}`);
}

export function messages(engine: Engine, given: OutgoingMessage[]): object[] {
  if (!Array.isArray(given)) throw new TypeError(`an array of messages is needed, not ${kindOf(given)}`);
  return given.map((one) => ({
    to: text(one?.to),
    body: body(engine, one.body),
    replyTo: one.replyTo === undefined ? undefined : text(one.replyTo),
    isAnswer: one.isAnswer ?? false,
    richText: one.richText === undefined ? undefined : rich(one.richText),
  }));
}

const LOOKS = ["bold", "italic", "strike", "monospace", "spoiler", "quote"];

function style(given: TextStyle): object {
  if (given instanceof Object && given.type === "mention") return { type: "mention", address: text(given.address) };
  if (given instanceof Object && LOOKS.includes(given.type)) return { type: given.type };
  throw new TypeError(`a style is a mention or ${LOOKS.join(", ")}`);
}

/** Pieces of a text. */
export function runs(given: TextRun[]): object[] {
  if (!Array.isArray(given)) throw new TypeError(`an array of pieces is needed, not ${kindOf(given)}`);
  return given.map((one) => ({ text: text(one?.text), styles: (one.styles ?? []).map(style) }));
}

/** A text, of which all but the words may be left out. */
export function rich(given: Partial<RichText> & { text: string }): object {
  if (!(given instanceof Object)) throw new TypeError(`a text with its spans is needed, not ${kindOf(given)}`);
  const author = given.forward?.author ?? null;
  return {
    text: text(given.text),
    spans: (given.spans ?? []).map((one) => ({ start: count(one.start), length: count(one.length), style: style(one.style) })),
    forward: given.forward ? { author: author === null ? null : text(author) } : null,
    suggestions: texts(given.suggestions ?? []),
    preview: given.preview ? preview(given.preview) : null,
  };
}

function preview(given: LinkPreview): object {
  const image = given.image ?? null;
  return {
    url: text(given.url),
    title: text(given.title ?? ""),
    about: text(given.about ?? ""),
    image: image === null ? null : bytes(image),
  };
}

/** What a document is about: one of three. */
export function owner(given: StateOwner): StateOwner {
  if (given instanceof Object) {
    if ("conversation" in given) return { conversation: text(given.conversation) };
    if ("person" in given) return { person: text(given.person) };
    if ("program" in given) return { program: text(given.program) };
  }
  throw new TypeError("a document is about { conversation }, { person } or { program }");
}

export function changes(given: StateChange[]): StateChange[] {
  if (!Array.isArray(given)) throw new TypeError(`an array of changes is needed, not ${kindOf(given)}`);
  const document = (one: Uint8Array | null): Uint8Array | null => (one === null ? null : bytes(one));
  return given.map((one) => ({
    owner: owner(one?.owner),
    name: text(one.name),
    before: document(one.before),
    after: document(one.after),
  }));
}

/** A message, by what it is found by. */
export function name(given: MessageName): [author: string, id: string] {
  return [text(given?.author), text(given.id)];
}

/** A message before which a page ends, or none. */
export function before(given: MessageName | undefined): [author: string, id: string] | [] {
  return given === undefined ? [] : name(given);
}

/** The same, in whichever conversation. */
export function beforeInAll(given: MessageIn | undefined): [conversation: string, author: string, id: string] | [] {
  return given === undefined ? [] : [text(given?.conversation), ...name(given)];
}

function kindOf(given: unknown): string {
  return given === null ? "null" : typeof given;
}
