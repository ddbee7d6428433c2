// The door to the sockets of clients: they are read into one buffer that all of them share.

import { Socket } from "node:net";
import { sharedReadBytes } from "../../constants.ts";

/** Sockets are read into this buffer. The next event overwrites it, so a callee that keeps bytes copies them. */
const shared = Buffer.allocUnsafeSlow(sharedReadBytes);

/** What Node has below a socket. It is not in its documentation, so it may be missing one day. */
interface WithHandle {
  _handle?: { readonly fd?: number } | null;
}

/** Node keeps the descriptor to itself; CLIENT LIST shows it where it can be had. */
export function descriptorOf(socket: Socket): number {
  return (socket as WithHandle)._handle?.fd ?? -1;
}

/**
 * Calls `data` with the bytes as they arrive, which are the callee's until it returns. Otherwise Node
 * allocates 64 KiB for each read, even of 30 bytes: that was a sixth of what a GET cost. It takes a buffer
 * only when a socket is made, so this is another socket on the handle of the accepted one, which was paused
 * before it could read; without a handle it is the accepted one, read in the ordinary way.
 */
export function readShared(accepted: Socket, data: (bytes: Buffer) => void): Socket {
  const { _handle: handle } = accepted as WithHandle;
  if (handle === undefined || handle === null) {
    return accepted.on("data", data).resume();
  }
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: shared,
      callback: (length: number): true => {
        data(shared.subarray(0, length));
        return true;
      },
    },
  };
  const socket = new Socket(options);
  // The accepted socket has lost its handle: destroying it closes nothing, and its server no longer counts it.
  (accepted as WithHandle)._handle = null;
  accepted.destroy();
  return socket;
}
