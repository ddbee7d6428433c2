// The disk as the log uses it, with a count of the bytes by which its files grow.

import type { Files } from "../../disk.ts";

/**
 * Tells `grown` of every byte that a write needs beyond the end of its file. It is told before the write, because a disk is
 * looked at too late when it is full. Writes into zeros that are on disk already need no space.
 */
export function growingFiles(files: Files, grown: (bytes: number) => void): Files {
  const ends = new Map<number, number>();
  return {
    read: (fd, into, position) => files.read(fd, into, position),
    sync: (fd) => files.sync(fd),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    syncDirectory: (path) => files.syncDirectory(path),
    makeDirectory: (path) => files.makeDirectory(path),
    list: (path) => files.list(path),
    readWhole: (path) => files.readWhole(path),
    write(fd, buffers, position, done) {
      const before = ends.get(fd) ?? 0;
      const end = position + buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (end > before) {
        ends.set(fd, end);
        grown(end - before);
      }
      files.write(fd, buffers, position, done);
    },
    async create(path, mode) {
      const fd = await files.create(path, mode);
      ends.set(fd, 0);
      return fd;
    },
    async open(path) {
      const opened = await files.open(path);
      ends.set(opened.fd, opened.size);
      return opened;
    },
    async truncate(fd, size) {
      await files.truncate(fd, size);
      ends.set(fd, size);
    },
    async close(fd) {
      ends.delete(fd);
      await files.close(fd);
    },
  };
}
