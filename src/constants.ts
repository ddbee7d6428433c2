// Every limit of the server, with its unit, and how the limits relate to each other.

import { assert } from "./assert.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

// --- Requests and replies (src/resp, src/net) ------------------------------------------------

/** The longest inline request or header line, in bytes, as in Redis (PROTO_INLINE_MAX_SIZE). */
export const inlineBytesMax = 64 * KiB;
/** Words in one request. Redis allows 2^31 - 1; no client needs it and each word costs memory: some 50 bytes while it runs. */
export const requestWordsMax = 16 * 1024 * 1024;
/** A read with more words has them cut when it runs, in steps: these take 5 ms. */
export const wordsAtOnceMax = 64 * 1024;
/** Default of `proto-max-bulk-len`: the largest bulk string of a client. */
export const bulkBytesDefault = 64 * MiB;
/** V8's longest string is 2^29 - 24 characters, and a value is a string of one char per byte. */
export const bulkBytesMax = 512 * MiB - KiB;
/** One whole request (`client-query-buffer-limit`): also what one session may hold undecoded. */
export const requestBytesDefault = 256 * MiB;
export const requestBytesMax = 1024 * MiB;
/** Before AUTH, as in Redis: words, bytes of one word. */
export const unauthenticatedWordsMax = 10;
export const unauthenticatedBulkBytesMax = 16 * KiB;
/** One read of a client's socket, at most. All sockets are read into one buffer of this size. */
export const sharedReadBytes = 64 * KiB;
/** A waiting session that has this many undecoded bytes gets no more of them: its socket is paused. */
export const inputPauseBytes = MiB;
export const unauthenticatedInputBytesMax = 64 * KiB;
/**
 * Undecoded input of all clients together, the places of its words included. Beyond it clients with more than
 * the second number of bytes are not read, one of them excepted, which may complete its request.
 */
export const inputBytesMax = 512 * MiB;
export const smallInputBytes = 16 * KiB;
/** If none of them completes a request in this time, the client with the most input is closed. */
export const inputPatienceMs = 10_000;
/** Replies that an unauthenticated client may leave unread before it is closed. */
export const unauthenticatedOutputBytesMax = 64 * KiB;
/** While this many reply bytes of a session wait, it takes no requests, and its reads that were taken wait. */
export const outputPauseBytes = MiB;
/** A session is closed when this many reply bytes wait for its socket (`client-output-buffer-limit`): replies to writes cannot wait. */
export const outputBytesMax = 1024 * MiB;
/**
 * Replies of all sessions together. Beyond this a session waits from the second number of bytes on, and a read with a
 * larger reply waits, whoever asks; small replies go on.
 */
export const repliesPauseBytes = 256 * MiB;
export const smallReplyBytes = 16 * KiB;
/** Replies of all sessions together: beyond it the session with the most of them is closed. */
export const repliesBytesMax = 1280 * MiB;
/** While replies of all sessions are beyond `repliesPauseBytes`, a client takes a piece of its own in this time, or is closed. */
export const unreadRepliesMs = 10_000;
/**
 * A piece of output handed to the socket at once, at most one of a session in a turn: some 5 ms of encoding where
 * it holds many small items. Node copies all that waits in a socket in one go, so the rest waits on our side.
 */
export const outputPieceBytes = 256 * KiB;
/** Default of `maxclients`. */
export const clientsDefault = 10_000;
/** Text of one error reply, after CR, LF and NUL became spaces. */
export const errorTextMax = 1024;

// --- The node: what waits for consensus (src/node) --------------------------------------------

/** Writes waiting on this node, all sessions together; above it no session is read. */
export const pendingBytesMax = 512 * MiB;
/** Words of reads waiting on this node, all sessions together; above it no session is read. */
export const pendingReadBytesMax = 256 * MiB;
/**
 * How long one turn of the event loop runs reads, or applies entries, before consensus and the sockets
 * get their turn. A tenth of it would cost a tenth more time; ten times as much comes near a heartbeat.
 */
export const readSliceMs = 10;
export const applySliceMs = 10;
/** How long a tick gives back memory of flushed databases, and the keys between two looks at the clock. */
export const reclaimSliceMs = 2;
export const reclaimStepKeys = 500;
/** Requests of one write batch; what arrives beyond goes into the next one. A larger request is a batch by itself. */
export const batchBytesMax = 4 * MiB;
/** A node's own writes that are on their way to a leader and not applied here; a larger batch goes alone. */
export const writeWindowBytes = 8 * MiB;
/**
 * Requests wait for others to share a batch or a round with them: for so many turns of the event loop at most, and
 * not when so many bytes are there.
 */
export const shareTurnsMax = 4;
export const shareBytesMax = 64 * KiB;
/** Requests for a read index that a leader keeps for one peer. The peer asks again for those beyond. */
export const peerReadsMax = 4_096;
/** How long a request waits for a leader before it is answered -CLUSTERDOWN. */
export const leaderWaitMs = 10_000;

/** Clients have this long to read their last replies when the node closes. */
export const closeGraceMs = 1_000;
/** Clients that are idle or slow are looked for this often. */
export const sweepMs = 100;
/** A start says nothing of its loading for so long, then once in so many ms: an operator sees that it goes on. */
export const loadingQuietMs = 1_000;
export const loadingReportMs = 3_000;
/** A start reads so many bytes of the log before the event loop goes on: one to five ms, and clients are answered. */
export const loadingStepBytes = MiB;

/**
 * Below this much free disk, and below this share of it, a node takes no more writes that make the state grow (statfs).
 * On a small disk the floor is higher: a checkpoint writes everything twice, and its store merges tables (`mergeTablesMax`) and
 * has the old ones and the new ones on disk meanwhile. The checkpoint of a smaller disk is itself smaller than that.
 */
export const diskFloorBytes = 256 * MiB;
export const diskFloorShare = 0.05;
export const diskFloorBytesMin = 64 * MiB;
export const diskFloorShareMax = 0.5;
/** A file that gives way on a full disk: for what a start writes, and for what it takes to free space. */
export const diskReserveBytes = 64 * MiB;
export const diskReserveShare = 1 / 8;
/** What frees space is taken as long as this part of a reserve is free, whether as a file or not: its checkpoint merges tables. */
export const diskLastShare = 3 / 4;
export const diskReservePieceBytes = MiB;
/** Where not even a checkpoint has room, what frees space is taken by the log alone, as long as so much is free. */
export const diskLogBytes = MiB;
/** A smaller disk would be taken up by floor, reserve and log. */
export const diskBytesMin = 40 * MiB;
/**
 * On a small disk (below a GiB or two) the log is kept smaller than the settings say: segments, what is applied before the
 * next checkpoint, and what stays behind it, each at most this share of the whole disk.
 */
export const logDiskShare = 1 / 16;
/** Disk and memory are looked at this often. */
export const roomCheckMs = 1_000;
/**
 * With less room than this above its floor, of disk or memory, a node tells the others at each check how much there is, keeps a
 * reserve, and looks at its disk after every so many bytes that it has written.
 */
export const scarceBytes = 1024 * MiB;
export const diskLookBytes = MiB;
/** A node that has not heard it for so many checks assumes that there is room again. */
export const roomWordChecks = 5;
/**
 * A process that holds more than the first share of the memory that it may hold takes no more writes that make the state grow, above
 * the second one none at all; likewise when so little of the machine's memory is available.
 */
export const memoryShare = 0.85;
export const memoryShareMax = 0.95;
export const memoryFloorBytes = 256 * MiB;
export const memoryFloorShare = 0.05;
/** What LevelDB holds in memory until it becomes a table. */
export const storeBufferBytes = 4 * MiB;
/** On a disk below the last of these it is smaller, because merges grow with it; on larger ones this would cost time. */
export const storeBufferBytesMin = MiB;
export const storeTableBytesMin = MiB;
export const smallDiskBytes = 2 * GiB;
/** LevelDB writes up to so many tables anew at once before the old ones go (ExpandedCompactionByteSizeLimit). */
export const mergeTablesMax = 25;
/** To give space back, ranges of so many tables are merged one by one; those at their ends reach over 10 more each. */
export const compactedTablesMax = 4;
/**
 * What a checkpoint writes is in its redo file and in tables of its store; after a crash the next start takes the file in
 * once more, and what was taken in before is still there.
 */
export const checkpointCopies = 3;
/** On a full disk a checkpoint begins after so many bytes of log: only what it holds can be cut or given back. */
export const fullDiskCheckpointBytes = MiB;
/** On a full disk the store gives back the space of old records when they are more than this, and more than this share of it. */
export const mergeWorthBytes = MiB;
export const mergeWorthShare = 1 / 8;
/** After that it rests for so many times as long as it took. */
export const compactionRest = 2;
/** Nodes compare digests of their state at every so many entries, and keep the last few. */
export const digestEveryEntries = 256;
export const digestsKept = 64;

// --- Time (src/node/time) ---------------------------------------------------------------------

/**
 * Nodes tell each other this often what their wall clocks say; of the last few messages the one with the least delay
 * counts.
 */
export const clockWordMs = 500;
export const clockWordsKept = 4;
/** What a member has said of its clock counts for this long. */
export const clockFreshMs = 5_000;
/** A clock that differs by more from what a majority says is wrong, and right again below the second bound. */
export const clockDriftMs = 1_000;
export const clockRightMs = 500;
export const clockCheckMs = 1_000;
/** A clock has to look wrong at so many checks in a row: that of a node that stands still for a while looks late. */
export const clockWrongChecks = 3;
/** A wall clock that goes so much further than the monotonic one between two looks has jumped. */
export const clockJumpMs = clockDriftMs;
/** Log time goes at most by this share faster or slower than real time while it is drawn towards most clocks. */
export const logTimeDraw = 0.05;

// --- Consensus (src/raft) ---------------------------------------------------------------------

/** Ticks are the only unit of time inside Raft. */
export const tickMs = 10;
export const heartbeatTicks = 5;
/** So many ticks share a timer while a leader is heard, because a timer costs far more than a tick. */
export const calmTicks = 5;
/** The election timeout is drawn from [electionTicksMin, 2 * electionTicksMin). */
export const electionTicksMin = 50;
/**
 * With `reads lease`: how long a confirmed round speaks for the reads after it. Below the shortest election
 * timeout by more than clocks may drift apart in that time.
 */
export const leaseMs = 0.8 * electionTicksMin * tickMs;
/** A transfer of leadership to a member that comes nearer goes on for so many election timeouts; proposals wait. */
export const transferTimeoutsMax = 4;
/** A disk that writes no more than this in a tick (5 MB/s) is slow and does not hang: its saves may take so long. */
export const slowDiskBytesPerTick = 50_000;
/** Entry bytes in one AppendEntries message; a larger single entry still goes alone. */
export const appendBytesMax = MiB;
/**
 * Entry bytes in a probe, a message to a follower whose last common entry is not known: it may be refused, and then
 * the bytes have travelled in vain.
 */
export const probeBytesMax = 64 * KiB;
/**
 * Entry bytes that a leader reads from its files in one turn, for all followers together whose entries are in memory no
 * more: some milliseconds. A whole window at once would take longer than an election timeout.
 */
export const catchUpBytesPerTurn = MiB;
/** AppendEntries messages and bytes on their way to one follower. */
export const inflightMessagesMax = 256;
export const inflightBytesMax = 64 * MiB;
/** Entries on the leader that are not committed yet; above it proposals wait in the node. */
export const uncommittedBytesMax = 256 * MiB;
/**
 * Unused bytes in front of an entry's data, for the heads of its record and of the save that it begins: then
 * nothing is copied.
 */
export const entryRoomBytes = 120;
/** Parts of a message or of a save up to this size are copied together; larger ones are referenced. */
export const gatherBytesMax = 64 * KiB;
/** A segment of the log is closed and a new one begun when it has reached this size. */
export const segmentBytes = 64 * MiB;
/** Recent entries that the log keeps in memory, for followers that are a little behind. */
export const logCacheBytes = 8 * MiB;
/** Members of a cluster. */
export const membersMax = 7;
/** host:port of a member: a name has at most 253 characters (RFC 1035), and it travels in urgent frames. */
export const addressCharsMax = 253 + "[]:65535".length;
/** Changes of members that a leader works on for others at once; whoever gets no answer asks again. */
export const adminRequestsMax = 64;
/** A configuration as an entry holds it: ids and addresses of all members. */
export const membershipBytesMax = 16 * KiB;
/**
 * Entries that one refusal of entries looks at, on either side: the terms of a tail that was never committed are
 * skipped in steps of so many.
 */
export const termSkipMax = 10_000;

// --- Peers (src/net) --------------------------------------------------------------------------

/**
 * A frame between nodes, put together from its pieces: one entry of the largest request with its headers, or
 * appendBytesMax of smaller ones.
 */
export const peerFrameBytesMax = requestBytesMax + 16 * MiB;
/** The largest piece of a frame: with its head below 64 KiB, so that eight fill the window. Urgent frames leave between those of bulk. */
export const peerPieceBytesMax = 64 * KiB - 32;
/**
 * Most bytes of bulk frames under way to a peer that it has not acknowledged. An urgent frame waits for no more than
 * these: 40 ms at 100 Mbit/s, whatever the kernels buffer. The peer acknowledges whenever it has taken this share of
 * the window. Every node needs the same window: one that is smaller than the peer's share would never open again.
 */
export const peerWindowBytes = 512 * KiB;
export const peerWindowShare = 1 / 2;
/** Small frames of one turn are copied side by side into memory of this size, so that they leave in one write. */
export const peerSlabBytes = 256 * KiB;
/** Before a peer has proved who it is. */
export const handshakeBytesMax = 4 * KiB;
export const handshakeMs = 1_000;
/** Bulk frames that wait for one peer; beyond it they are dropped, and Raft sends again. */
export const peerQueueBytesMax = 128 * MiB;
/** Urgent frames that the operating system has not taken, beside a window of bulk; beyond it they are dropped. */
export const peerUrgentQueueBytesMax = MiB;
/** Pongs and acknowledgements of bulk that a peer may leave unread. */
export const peerUnreadBytesMax = 64 * KiB;
/** Peers that have proved who they are: the members, and those that were or will be. */
export const peerProvenMax = 2 * membersMax + 16;
/**
 * Connections that have proved nothing yet have a share of their own, and so has each address among them. When it is
 * full, chance decides which of them makes room.
 */
export const peerUnprovenMax = 96;
export const peerUnprovenPerAddressMax = 24;
/** Connections on the peer port, handshakes included. */
export const peerConnectionsMax = peerProvenMax + peerUnprovenMax;
/** A shorter secret could be guessed from one handshake by somebody who has many machines. */
export const peerSecretCharsMin = 16;
/** After a wrong proof its address is refused for this long, doubled with each further one. */
export const wrongProofPauseMs = 100;
export const wrongProofPauseMaxMs = 10_000;
/** Addresses that are remembered for their wrong proofs; the oldest is forgotten. */
export const wrongProofAddressesMax = 256;
/** How long one attempt to connect to a peer may take, and the pauses between attempts (jittered). */
export const peerDialMs = 1_000;
export const peerBackoffMinMs = 20;
export const peerBackoffMaxMs = 1_000;
/**
 * A dialled connection is pinged this often; one that is silent for longer than so many pings is closed. It is closed
 * that soon because TCP waits ever longer before it sends again: after two short outages it would stand still long
 * after both.
 */
export const peerPingMs = 500;
export const peerSilentPingsMax = 3;

// --- Snapshots on their way to a member (src/node/snapshots) ------------------------------------

/** Records in one chunk, about; and chunks that are sent in one burst, before any is acknowledged. */
export const snapshotChunkBytes = 64 * KiB;
export const snapshotChunksMax = 4;
/** Frames of a snapshot that wait for the receiver's disk; an honest sender stays below, what is beyond is dropped. */
export const snapshotFramesWaitingMax = 4 * snapshotChunksMax;
/** A transfer without any sign of life for this long is given up; a shorter break only delays it. */
export const snapshotPatienceMs = 30_000;
/** While the receiver loads or installs a snapshot, it sends a sign of life this often. */
export const snapshotKeepAliveMs = 1_000;
/** Without any sign of life for this long, what was sent or answered last may be lost: the offer is made again. */
export const snapshotRepeatMs = 3_000;
/**
 * Sender and receiver rest after each burst of work for this many times as long as it took, so that clients
 * keep most of the machine; but no longer than this, because over a slow link a burst is mostly waiting.
 */
export const snapshotRestPerWork = 2;
export const snapshotRestMaxMs = 250;
/** The receiver loads records for about this long at a time. */
export const snapshotLoadBurstMs = 10;

// --- State (src/state) ------------------------------------------------------------------------

/** As in Redis: the number of databases (`databases`) and of hash slots. */
export const databaseCount = 16;
export const slotCount = 16_384;
/**
 * Parts of a database, each of the same number of slots. Fewer, larger parts mean fewer cache misses per
 * look-up; more, smaller ones mean that one that grows is rehashed in less time.
 */
export const partitionCount = 256;
/**
 * Keys and values of one node, as `used` counts them, whatever `maxmemory` says: addresses reach 32 GiB (memory/sizes.ts),
 * and pages that are not full take some of it.
 */
export const stateBytesMax = 28 * GiB;
/** Keys that one entry removes because they are due; the rest waits for the next entry. */
export const expirePerEntryMax = 1_000;
/** The leader commits a tick for keys that are due at most this often. */
export const expireTickMs = 100;
/** Default of `auto-aof-rewrite-min-size`: log bytes that are applied before the next checkpoint starts. */
export const checkpointLogBytesDefault = 64 * MiB;
/** Default of `repl-backlog-size`: log that stays for slow members although a checkpoint holds it. */
export const retainedLogBytesDefault = 128 * MiB;
/**
 * Bytes of records that a checkpoint encodes, or hands to LevelDB as one batch, before the event loop goes on: a
 * millisecond or two with the smallest records. A batch gives its memory back when V8 collects it, so it has to die
 * young: batches of 1 MiB grew old, and the process grew by all of them.
 */
export const checkpointSliceBytes = 64 * KiB;
/** A slice is so many times as large while the memory of a flushed database waits for it: 5 ms, and what comes next finds room. */
export const checkpointHurry = 8;
/** A chunk of the redo file, which is one synced write: a few slices, so that syncs cost little. */
export const redoChunkBytes = 256 * KiB;
/**
 * Files that LevelDB keeps open, the fewest that it can do with, and the bytes of a table. It maps tables into memory, and what was
 * read of them counts as resident until they are closed: a thousand open ones were the whole state once more.
 */
export const storeFilesMax = 74;
export const storeTableBytes = MiB;
/** Without a setting `maxmemory` is this share of the smallest member's memory; the process needs the rest. */
export const maxmemoryShare = 0.65;
/** Candidates for eviction that are kept from one look to the next, as in Redis (EVPOOL_SIZE). */
export const evictionPoolKeys = 16;
/** Keys that one entry evicts, and how long a leader may choose them before one batch of writes. */
export const evictionKeysMax = 4_096;
export const evictionChoiceMs = 10;
/**
 * Room that a leader makes for writes on their way, at most, as a share of `maxmemory`: their bytes are an upper bound,
 * and most of them may only replace values.
 */
export const evictionHeadroomShare = 1 / 2;
/** A node tells the leader this often which keys were read there, at most so many and in so many bytes. */
export const accessReportMs = 100;
export const accessReportKeysMax = 256;
export const accessReportBytesMax = 16 * KiB;
/**
 * Bytes that wait for the redo file, because entries were about to change what they hold, before entries wait as well:
 * so a slow disk costs time, and not as much memory again as the checkpoint has bytes.
 */
export const redoWaitingBytesMax = 16 * MiB;
/** Longest string that APPEND and SETRANGE make. No setting of one node: every node must agree. */
export const stringBytesMax = bulkBytesDefault;
/** Cells of the table of LCS: 4 bytes each may fill a longest string, as in Redis. Bounds its time. */
export const lcsCellsMax = stringBytesMax / 4;
/**
 * What MEMORY DOCTOR calls a problem. With less data than this, in bytes, the process itself decides all ratios; a gap
 * of fewer bytes is nobody's problem, whatever its ratio is.
 */
export const doctorDatasetBytesMin = 5 * MiB;
export const doctorGapBytesMin = 128 * MiB;
/** Keys and values beyond this share of `maxmemory`; and ratios of peak, process and pages to what is in use. */
export const doctorFullShare = 0.9;
export const doctorPeakRatio = 1.5;
export const doctorProcessRatio = 1.4;
export const doctorSlotRatio = 1.1;
/** Longest glob pattern of KEYS and SCAN; longer ones match nothing. */
export const patternBytesMax = 64 * KiB;

// --- Clients that are slow, strange or hostile (src/net, src/state/commands/connection) --------

/** A client that needs a password and has not given it is closed after this long. */
export const authenticationMs = 10_000;
/** Wrong passwords in a row that are answered at once; each further answer is held back. */
export const wrongPasswordsMax = 10;
export const wrongPasswordWaitMs = 1_000;
/** A begun request must be whole after this long, and a second more for so many bytes of it. */
export const halfRequestMs = 60_000;
export const halfRequestBytesPerSecond = 16 * KiB;
/** A client that has its last reply must close its side within this time. */
export const lingerMs = 1_000;

assert(repliesPauseBytes < repliesBytesMax, "reads wait before a session is closed");
assert(outputBytesMax < repliesBytesMax, "a session alone reaches its own limit first");
assert(bulkBytesDefault <= bulkBytesMax, "the default bulk limit is a valid one");
assert(requestBytesDefault > bulkBytesDefault, "a largest default bulk fits into a request");
assert(requestBytesMax > bulkBytesMax, "a largest bulk fits into a largest request");
assert(peerFrameBytesMax > requestBytesMax, "a largest request fits into a frame with its header");
assert(peerSlabBytes >= 2 * peerPieceBytesMax, "a piece and its head fit into a slab");
assert(
  pendingBytesMax < scarceBytes,
  "a turn takes in less than there must be to call it much room",
);
assert(calmTicks <= heartbeatTicks, "heartbeats leave when they are due");
assert(
  electionTicksMin >= 5 * heartbeatTicks,
  "a follower survives the loss of several heartbeats",
);
assert(
  2 * (readSliceMs + applySliceMs) <= heartbeatTicks * tickMs,
  "a long command delays no heartbeat",
);
assert(inflightBytesMax >= appendBytesMax, "a window takes at least one message");
assert(
  handshakeMs < peerSilentPingsMax * peerPingMs,
  "a slow handshake ends before silence counts",
);
assert(clockFreshMs > clockWordsKept * clockWordMs, "a clock that is heard is fresh");
