/** `Simulation`: people with devices on machines in memory, a network that misbehaves, a clock that is moved by hand. */

import { Client } from "../node/index.js";
import * as given from "../given.js";
import { Local, asked } from "../local.js";
import type { Event, Sent } from "../values.js";
import { Simulation as Core } from "../wasm/windlass.js";

/** What may go wrong, each as a chance in 1,000. */
export interface Faults {
  /** An envelope on the network is lost. */
  drop: number;
  /** An envelope on the network comes twice. */
  duplicate: number;
  /** An envelope is kept back, up to an hour. */
  delay: number;
  /** The machine of a device loses power while it takes an envelope in. */
  crash: number;
}

/** Something that reached a device, and what it brought. */
export interface Delivery {
  /** Number of the person, from 0. */
  person: number;
  /** Number of the person's device, from 0. */
  device: number;
  events: Event[];
  /** The code of the error if the envelope was refused. */
  refused: string | null;
}

/** How often something was done. */
export interface Tally {
  what: string;
  times: number;
}

/** A client that was handed out, and where it is. */
interface HandedOut {
  person: number;
  device: number;
  engine: Local;
  client: Client;
}

/**
 * A small world. Nothing in it happens by itself: `collect`, `deliver`, `run` and `advance` make it go on, and everything follows from the seed, so
 * that whatever fails once fails again.
 *
 *     const world = new Simulation(1);
 *     const [alice, bob] = [world.addPerson(), world.addPerson()];
 *     world.introduce(alice, bob);
 *     world.setFaults({ drop: 100, duplicate: 50, delay: 200, crash: 20 });
 *     await world.client(alice).send(world.client(bob).address, "Ahoy!");
 *     for (const { events } of world.run()) console.log(events);
 */
export class Simulation {
  readonly #core: Core;
  readonly #clients: HandedOut[] = [];

  /** A world in which nobody is yet. It begins at 2030-01-01T00:00:00Z, and nothing goes wrong until `setFaults`. */
  constructor(seed = 1) {
    this.#core = new Core(given.number(seed));
  }

  /** What goes wrong from now on; what is left out does not. */
  setFaults(faults: Partial<Faults>): void {
    const chance = (of: number | undefined): number => given.count(of ?? 0, 1_000);
    const { drop, duplicate, delay, crash } = faults;
    this.#core.setFaults(chance(drop), chance(duplicate), chance(delay), chance(crash));
  }

  /** A new person with one device; their number. */
  addPerson(): number {
    return asked(() => this.#core.addPerson());
  }

  /** A further device of a person, linked by the first one; its number. Its request for what the others know is in its outbox. */
  addDevice(person: number): number {
    return this.#done(() => this.#core.addDevice(given.count(person)));
  }

  /** The client of a device. Ask again after `crash`, `restoreDisk` and whatever delivers: a machine that lost power has another. */
  client(person: number, device = 0): Client {
    const at = this.#clients.findIndex((known) => known.person === person && known.device === device);
    const known = this.#clients[at];
    if (known !== undefined && this.#isCurrent(known)) return known.client;
    const engine = new Local(asked(() => this.#core.client(given.count(person), given.count(device))));
    const client = new Client(engine);
    this.#clients.splice(at < 0 ? this.#clients.length : at, 1, { person, device, engine, client });
    return client;
  }

  /** Each of the two adds the other's bundle, as when they meet. */
  introduce(a: number, b: number): void {
    this.#done(() => this.#core.introduce(given.count(a), given.count(b)));
  }

  /** A text from a device of one person to another person. */
  send(person: number, device: number, to: number, text: string): Sent {
    return this.#done(() => this.#core.send(given.count(person), given.count(device), given.count(to), given.text(text)));
  }

  /** Takes every device's outbox to the network; how many envelopes. */
  collect(): number {
    return asked(() => this.#core.collect());
  }

  /** Brings one of the envelopes that are due, in no order; `null` if none is. */
  deliver(): Delivery | null {
    const delivery = this.#done<Delivery | null>(() => this.#core.deliver());
    this.#received(delivery === null ? [] : [delivery]);
    return delivery;
  }

  /** Collects and delivers until nothing is due any more. */
  run(): Delivery[] {
    const deliveries = this.#done<Delivery[]>(() => this.#core.run());
    this.#received(deliveries);
    return deliveries;
  }

  /** Moves the clock, and lets every device do what is due by then. */
  advance(milliseconds: number): void {
    this.#done(() => this.#core.advance(given.number(milliseconds)));
    this.#received(this.#clients);
  }

  /**
   * The clock of a device is wrong from now on: by so many milliseconds ahead, or behind if they are below zero; 0 puts it right. The network goes by
   * the right time.
   */
  setClock(person: number, device: number, millisecondsAhead: number): void {
    const ahead = Math.sign(millisecondsAhead) * given.number(Math.abs(millisecondsAhead));
    this.#done(() => this.#core.setClock(given.count(person), given.count(device), ahead));
  }

  /** The time by the clocks that are right. */
  now(): Date {
    return new Date(this.#core.now());
  }

  /** Envelopes to and from a person are kept back until `reconnect`. */
  disconnect(person: number): void {
    this.#core.disconnect(given.count(person));
  }

  /** They come again. */
  reconnect(person: number): void {
    this.#core.reconnect(given.count(person));
  }

  /** A device's machine loses power, and starts again. */
  crash(person: number, device = 0): void {
    this.#done(() => this.#core.crash(given.count(person), given.count(device)));
  }

  /** Keeps a copy of a device's disk, in place of an earlier one. */
  copyDisk(person: number, device = 0): void {
    this.#done(() => this.#core.copyDisk(given.count(person), given.count(device)));
  }

  /** Puts the copy back, as who restores an old image of a machine. */
  restoreDisk(person: number, device = 0): void {
    this.#done(() => this.#core.restoreDisk(given.count(person), given.count(device)));
  }

  /** The device is gone for ever. */
  loseDevice(person: number, device = 0): void {
    this.#done(() => this.#core.loseDevice(given.count(person), given.count(device)));
  }

  /** What went wrong so far, and what came of it. */
  tally(): Tally[] {
    return this.#core.tally() as Tally[];
  }

  /** Does something that may put mail into outboxes, and tells the clients which were handed out. */
  #done<T>(call: () => unknown): T {
    const done = asked<T>(call);
    for (const { engine } of this.#clients) engine.tellOfPost();
    return done;
  }

  #received(by: { person: number; device: number }[]): void {
    const names = new Set(by.map(({ person, device }) => `${person} ${device}`));
    for (const known of this.#clients) {
      if (names.has(`${known.person} ${known.device}`) && this.#isCurrent(known)) known.engine.onReceived();
    }
  }

  #isCurrent({ person, device, engine }: HandedOut): boolean {
    return engine.client !== undefined && this.#core.isCurrent(person, device, engine.client);
  }
}
