/** `BotTestClient`: a person who talks with a bot. */

import type { Bot } from "../bot/index.js";
import { isSaid } from "../bot/listening.js";
import type { Client } from "../node/index.js";
import type { Transport } from "../transport.js";
import type { Message, Sendable } from "../values.js";
import { Simulation } from "./simulation.js";

/** The bot is the first person of its world. */
const BOT = 0;
const PAGE = 1_000;

/** Makes the bot of a client, as the program does, and does not run it. */
export type MakesBot = (client: Client, transport: Transport) => Bot | Promise<Bot>;

/** The world carries the mail. */
const NO_TRANSPORT: Transport = {
  start: async () => {},
  publishBundle: async () => {},
  deliver: async () => {},
  close: async () => {},
};

/** What those have in common who talk with one bot. */
class Shared {
  readonly world: Simulation;
  readonly failures: unknown[] = [];
  readonly #make: MakesBot;
  #bot: Bot | undefined;

  constructor(make: MakesBot, seed: number) {
    this.world = new Simulation(seed);
    this.world.addPerson();
    this.#make = make;
  }

  get bot(): Bot {
    if (this.#bot === undefined) throw new Error("the bot is not made yet");
    return this.#bot;
  }

  /** Makes the bot, at the beginning and after its machine lost power. */
  async made(): Promise<void> {
    const bot = await this.#make(this.world.client(BOT), NO_TRANSPORT);
    bot.unheard = (error) => void this.failures.push(error);
    // Before the first message comes.
    await bot.prepare();
    this.#bot = bot;
  }
}

/** A person who talks with a bot, in a small world of their own, without a network. */
export class BotTestClient {
  readonly #shared: Shared;
  readonly #known = new Set<string>();
  /** Which person of the world it is. */
  readonly person: number;

  private constructor(shared: Shared) {
    this.#shared = shared;
    this.person = shared.world.addPerson();
    shared.world.introduce(this.person, BOT);
  }

  /**
   * `make` is your program's: it makes the bot of a client, at the beginning and after each `crash`, and does not run it. What that throws and has no
   * `onError` for is thrown by `say`.
   */
  static async create(make: MakesBot, options: { seed?: number } = {}): Promise<BotTestClient> {
    const shared = new Shared(make, options.seed ?? 1);
    await shared.made();
    return new BotTestClient(shared);
  }

  /** Where all of that happens. */
  get world(): Simulation {
    return this.#shared.world;
  }

  /** The bot; another one after a `crash`. */
  get bot(): Bot {
    return this.#shared.bot;
  }

  /** The person's client. */
  get client(): Client {
    return this.world.client(this.person);
  }

  /** The person's address. */
  get address(): string {
    return this.client.address;
  }

  /** Another person in the same world, who knows this one and the bot. */
  friend(): BotTestClient {
    const friend = new BotTestClient(this.#shared);
    this.world.introduce(this.person, friend.person);
    return friend;
  }

  /** A group with the bot and others; its address, for `say(..., { to })`. */
  async createGroup(name: string, ...others: BotTestClient[]): Promise<string> {
    const members = [this.bot.client.address, ...others.map((other) => other.address)];
    const { address } = await this.client.createGroup(name, members);
    this.world.run();
    for (const person of [BOT, ...others.map((other) => other.person)]) {
      await this.world.client(person).conversation(address).join();
      this.world.run();
    }
    return address;
  }

  /** Says something to the bot, or in a group; what the bot says there then. Several messages of its are lines, none is an empty text. */
  async say(body: string | Sendable, options: { to?: string } = {}): Promise<string> {
    const where = options.to ?? this.bot.client.address;
    await this.heard(where);
    await this.client.send(where, body);
    await this.settle();
    return lines(await this.heard(where));
  }

  /** Moves the clock of the world, and does what is due by then; what the bot says of it to this person. */
  async advance(milliseconds: number): Promise<string> {
    await this.heard();
    this.world.advance(milliseconds);
    await this.settle();
    return lines(await this.heard());
  }

  /** Carries what is on its way, and has the bot handle it, until nothing happens any more. */
  async settle(): Promise<void> {
    do this.world.run();
    while ((await this.bot.handleWaiting()) > 0);
    this.world.run();
    // A message is tried several times; what each of them threw is the same.
    const failures = this.#shared.failures.splice(0);
    if (failures.length > 0) throw failures[0];
  }

  /** What the bot wrote to this person since this was last asked, or in a group. */
  async heard(address = this.bot.client.address): Promise<Message[]> {
    const history = await this.client.conversation(address).messages({ limit: PAGE });
    const theirs = history.filter((message) => message.author === this.bot.client.address && isSaid(message));
    const heard = theirs.filter(({ id }) => !this.#known.has(id));
    for (const { id } of heard) this.#known.add(id);
    return heard;
  }

  /** The bot's machine loses power, and starts again. */
  async crash(): Promise<void> {
    this.world.crash(BOT);
    await this.#shared.made();
  }
}

function lines(messages: Message[]): string {
  return messages.map(({ text }) => text ?? "").join("\n");
}
