// INFO memory and MEMORY of a real node: figures that fit together, and follow the data.

import { expect, onTestFinished, test } from "vitest";
import { ServerProcess } from "../support/process-server.ts";
import type { RawClient } from "../support/raw-client.ts";

const MiB = 1024 * 1024;

async function figures(client: RawClient): Promise<Readonly<Record<string, number>>> {
  const text = await client.ask("INFO", "memory");
  const lines = [...text.matchAll(/^(\w+):([\d.]+)%?\r$/gm)];
  return Object.fromEntries(lines.map(([, name, value]) => [name, Number(value)]));
}

test("memory outside of the heap is told, key by key and in all, and goes with the keys", async () => {
  const server = await ServerProcess.start();
  onTestFinished(() => server.dispose());
  const client = await server.connect();
  const empty = await figures(client);
  expect(empty).toMatchObject({ used_memory_dataset: 0, used_memory_dataset_perc: 0 });

  for (let each = 0; each < 8; each++) {
    await client.ask("SET", `large:${each}`, "x".repeat(4 * MiB + 1000));
    await client.ask("SET", `small:${each}`, "y".repeat(50), "EX", "1000");
  }
  const filled = await figures(client);
  const of = (name: string): number => filled[name] ?? Number.NaN;
  let rooms = 0;
  for (let each = 0; each < 8; each++) {
    for (const kind of ["large", "small"]) {
      rooms += Number((await client.ask("MEMORY", "USAGE", `${kind}:${each}`)).slice(1));
    }
  }
  expect(of("used_memory_dataset")).toBe(rooms);
  expect(rooms).toBeGreaterThan(32 * MiB);
  expect(of("allocator_allocated")).toBeGreaterThan(32 * MiB);
  expect(of("allocator_active")).toBeGreaterThanOrEqual(of("allocator_allocated"));
  expect(of("allocator_resident")).toBeGreaterThanOrEqual(of("allocator_active"));
  expect(of("allocator_frag_ratio")).toBeLessThan(1.2);
  expect(of("used_memory")).toBeGreaterThan(of("allocator_resident"));
  expect(of("used_memory")).toBe(of("used_memory_overhead") + of("used_memory_dataset"));
  expect(of("used_memory") - of("mem_not_counted_for_evict")).toBe(rooms);
  expect(of("used_memory_peak")).toBeGreaterThanOrEqual(of("used_memory"));
  expect(of("used_memory_dataset_perc")).toBeGreaterThan(0);
  expect(of("used_memory_dataset_perc")).toBeLessThanOrEqual(100);

  const stats = await client.ask("MEMORY", "STATS");
  expect(stats).toContain(`$13\r\ndataset.bytes\r\n:${rooms}\r\n`);
  expect(stats).toContain("$10\r\nkeys.count\r\n:16\r\n");
  expect(stats).toContain("$26\r\noverhead.hashtable.expires\r\n:96\r\n");

  await client.ask("FLUSHALL");
  const isGone = { allocator_allocated: 0 };
  await expect.poll(() => figures(client), { timeout: 5_000 }).toMatchObject(isGone);
  expect(await client.ask("MEMORY", "PURGE")).toBe("+OK\r\n");
  expect(await figures(client)).toMatchObject({
    used_memory_dataset: 0,
    allocator_resident: MiB,
    lazyfree_pending_objects: 0,
  });
  client.close();
});
