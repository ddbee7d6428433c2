// Virtual time: what happens next is the earliest event, and of equals the one that was planned first.

export interface Planned {
  /** Microseconds since the beginning. */
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

const isBefore = (a: Planned, b: Planned): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);

/** A binary heap of events. */
export class Timeline {
  /** Microseconds since the beginning. */
  now = 0;
  #order = 0;
  readonly #heap: Planned[] = [];

  /** An event `delay` microseconds from now. */
  after(delay: number, act: () => void): void {
    this.at(this.now + Math.max(0, Math.round(delay)), act);
  }

  at(time: number, act: () => void): void {
    this.#order += 1;
    const heap = this.#heap;
    const event = { at: Math.max(time, this.now), order: this.#order, act };
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as Planned;
      if (isBefore(above, event)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = event;
  }

  /** Time of the next event; infinite when there is none. */
  get next(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Takes the next event out and moves time on to it. */
  take(): () => void {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) throw new Error("nothing is planned");
    if (heap.length > 0) this.#sink(last);
    this.now = first.at;
    return first.act;
  }

  #sink(event: Planned): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && isBefore(heap[right] as Planned, heap[child] as Planned)) {
        child = right;
      }
      const below = heap[child] as Planned;
      if (isBefore(event, below)) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = event;
  }
}
