/** Files that travel another way: encrypted and decrypted part by part, whatever their size. */

import type { Engine } from "./engine.js";
import { type AttachmentInfo, EncryptedFile } from "./encrypted_file.js";
import * as given from "./given.js";

/** Where the bytes of a file come from: a `Blob` or `File`, a stream, or what else gives them one after the other. */
export type Source = Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** What is given to the core at once. */
const PART = 1 << 20;

/** The bytes of a file, in parts that are not too long. */
async function* parts(from: Source): AsyncGenerator<Uint8Array, void, void> {
  for await (const bytes of from instanceof Blob ? streamed(from.stream()) : from instanceof ReadableStream ? streamed(from) : from) {
    given.bytes(bytes);
    for (let at = 0; at < bytes.length; at += PART) yield bytes.subarray(at, at + PART);
  }
}

/** Not every browser has streams that can be iterated over. */
async function* streamed(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** What writes what `steps` give, and closes when all of them went well; else `to` is aborted. */
async function written<T>(to: WritableStream<Uint8Array>, steps: (write: (bytes: unknown) => Promise<void>) => Promise<T>): Promise<T> {
  const writer = to.getWriter();
  try {
    const done = await steps(async (bytes) => {
      if ((bytes as Uint8Array).length > 0) await writer.write(bytes as Uint8Array);
    });
    await writer.close();
    return done;
  } catch (error) {
    await writer.abort(error).catch(() => {});
    throw error;
  }
}

/** Encrypts a file. */
export async function encrypt(
  engine: Engine,
  from: Source,
  to: WritableStream<Uint8Array>,
  { name, mediaType }: { name: string; mediaType: string },
): Promise<EncryptedFile> {
  const [called, kind] = [given.text(name), given.text(mediaType)];
  return await written(to, async (write) => {
    const number = (await engine.ask("beginFile", called, kind)) as number;
    try {
      for await (const part of parts(from)) await write(await engine.ask("encryptPart", number, part));
      const ended = (await engine.ask("encryptEnd", number)) as { bytes: Uint8Array; info: AttachmentInfo; number: number };
      await write(ended.bytes);
      return new EncryptedFile(engine, ended.number, ended.info);
    } catch (error) {
      await engine.ask("forgetFile", number).catch(() => {});
      throw error;
    }
  });
}

/** Decrypts the file that a message of a conversation means. */
export async function decrypt(
  engine: Engine,
  [address, author, id]: [address: string, author: string, id: string],
  from: Source,
  to: WritableStream<Uint8Array>,
): Promise<void> {
  await written(to, async (write) => {
    const number = (await engine.ask("openFile", address, author, id)) as number;
    try {
      for await (const part of parts(from)) await write(await engine.ask("decryptPart", number, part));
      await write(await engine.ask("decryptEnd", number));
    } catch (error) {
      await engine.ask("forgetFile", number).catch(() => {});
      throw error;
    }
  });
}
