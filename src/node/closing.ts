// What is open by now, closed in reverse.

export class Closing {
  #steps: (() => Promise<void>)[] = [];

  add(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  /** One that closes all the others takes their place. */
  replace(step: () => Promise<void>): void {
    this.#steps = [step];
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}
