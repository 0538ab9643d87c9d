/** Something that happened, until it was looked at. */
export class Signal {
  #isSet = false;
  #waiting: (() => void)[] = [];

  set(): void {
    this.#isSet = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  clear(): void {
    this.#isSet = false;
  }

  /** At once, if it is set. */
  async wait(): Promise<void> {
    if (!this.#isSet) await new Promise<void>((wake) => this.#waiting.push(wake));
  }
}
