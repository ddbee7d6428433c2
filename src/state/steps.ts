// Work in steps, so that whoever runs it can pause between two of them.

/** Each `next` does a bounded piece of it; the last one gives the outcome. */
export type Steps<Outcome> = Generator<undefined, Outcome>;
