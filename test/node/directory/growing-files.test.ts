import { expect, it } from "vitest";
import { placeFile, writeWhole } from "../../../src/disk.ts";
import { growingFiles } from "../../../src/node/directory/growing-files.ts";
import { SimulatedDisk } from "../../support/log-disk.ts";
import { seeded } from "../../support/log-random.ts";

it("counts the bytes by which files grow, and nothing that is written over what is there", async () => {
  let grown = 0;
  const files = growingFiles(new SimulatedDisk(seeded(1)), (bytes) => {
    grown += bytes;
  });
  await files.makeDirectory("d");
  const fd = await placeFile(files, "d/file", [Buffer.alloc(100)]);
  expect(grown).toBe(100);
  await writeWhole(files, fd, [Buffer.alloc(40), Buffer.alloc(40)], 10);
  expect(grown).toBe(100);
  await writeWhole(files, fd, [Buffer.alloc(30)], 90);
  expect(grown).toBe(120);
  await files.truncate(fd, 50);
  await files.close(fd);

  const again = await files.open("d/file");
  await writeWhole(files, again.fd, [Buffer.alloc(60)], 0);
  expect(grown).toBe(130);
  await files.close(again.fd);
});
