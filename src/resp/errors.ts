// Every error a client can meet, in one list; the exact words are part of the protocol.

import { errorTextMax } from "../constants.ts";
import { type Bytes, ErrorReply } from "./reply.ts";

const error = (text: string) => new ErrorReply(text);

/** Client words in an error end at a NUL or after 128 bytes; line ends become spaces, as in Redis. */
const quotedBytesMax = 128;

function quoted(text: Bytes, bytesMax = quotedBytesMax): Bytes {
  const end = text.indexOf("\0");
  return text.slice(0, end < 0 ? bytesMax : Math.min(end, bytesMax)).replace(/[\r\n]/g, " ");
}

/** The words after an unknown command, quoted, until 128 bytes are full. */
function quotedWords(words: readonly Bytes[]): Bytes {
  let text = "";
  for (let at = 1; at < words.length && text.length < quotedBytesMax; at += 1) {
    text += `'${quoted(words[at] ?? "", quotedBytesMax - text.length)}' `;
  }
  return text;
}

/** A client's word where Redis prints it as a C string: up to the first NUL. */
function asPrinted(word: Bytes): Bytes {
  const end = word.indexOf("\0");
  return end < 0 ? word : word.slice(0, end);
}

/** Constants where the words never change, functions where they name something. */
export const errors = {
  wrongType: error("WRONGTYPE Operation against a key holding the wrong kind of value"),
  notAnInteger: error("ERR value is not an integer or out of range"),
  notAFloat: error("ERR value is not a valid float"),
  overflow: error("ERR increment or decrement would overflow"),
  syntax: error("ERR syntax error"),
  outOfMemory: error("OOM command not allowed when used memory > 'maxmemory'."),
  noSuchKey: error("ERR no such key"),
  clusterDown: error(
    "CLUSTERDOWN There is no leader: a majority of the nodes cannot be reached. Not executed",
  ),
  diskHangs: error(
    "CLUSTERDOWN The disk of this node does not answer: connect to another node. Not executed",
  ),
  diskFull: error(
    "DISKFULL The disks of too many nodes are nearly full: no writes until space is freed, reads go on. Not executed",
  ),
  memoryFull: error(
    "OOM The memory of too many nodes is nearly full: no writes until keys are deleted, reads go on. Not executed",
  ),
  noRoomForCheckpoint: error("ERR The disk has no room for a checkpoint"),
  unknownOutcome: error(
    "UNKNOWN The fate of this write is not known: it may or may not have taken effect",
  ),
  loading: error("LOADING kvorum is loading the dataset in memory"),
  noAuth: error("NOAUTH Authentication required."),
  invalidKeyArguments: error("ERR Invalid arguments specified for command"),
  invalidArgumentCount: error("ERR Invalid number of arguments specified for command"),
  noKeyArguments: error("ERR The command has no key arguments"),
  decrementOverflow: error("ERR decrement would overflow"),
  notFinite: error("ERR increment would produce NaN or Infinity"),
  stringTooLong: error("ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
  offsetOutOfRange: error("ERR offset is out of range"),
  sameObject: error("ERR source and destination objects are the same"),
  databaseOutOfRange: error("ERR DB index is out of range"),
  invalidCursor: error("ERR invalid cursor"),
  unsupportedOption: (option: Bytes) =>
    error(
      `ERR Unsupported option ${quoted(option.slice(0, errorTextMax).replace(/[\r\n]+$/, ""), errorTextMax)}`,
    ),
  expireNotCompatible: error("ERR NX and XX, GT or LT options at the same time are not compatible"),
  expireGtLt: error("ERR GT and LT options at the same time are not compatible"),
  lcsNotStrings: error("ERR The specified keys must contain string values"),
  lcsBoth: error("ERR If you want both the length and indexes, please just use IDX."),
  lcsMemory: error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"),
  frequencyNotTracked: error(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
  ),
  idleTimeNotTracked: error(
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
  ),
  /** The name as in "setex": which command refused the time. */
  invalidExpireTime: (name: string) => error(`ERR invalid expire time in '${name}' command`),
  /** All words of the request. */
  unknownCommand: (words: readonly Bytes[]) =>
    error(
      `ERR unknown command '${quoted(words[0] ?? "")}', with args beginning with: ${quotedWords(words)}`,
    ),
  /** The container's name in the client's spelling, and the word after it. */
  unknownSubcommand: (container: Bytes, name: Bytes) =>
    error(`ERR unknown subcommand '${quoted(name)}'. Try ${container.toUpperCase()} HELP.`),
  // Sessions: AUTH, HELLO, CLIENT.
  noPasswordConfigured: error(
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
  ),
  wrongPassword: error("WRONGPASS invalid username-password pair or user is disabled."),
  protocolNotAnInteger: error("ERR Protocol version is not an integer or out of range"),
  unsupportedProtocol: error("NOPROTO unsupported protocol version"),
  helloUnauthenticated: error(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
  ),
  helloOption: (option: Bytes) => error(`ERR Syntax error in HELLO option '${asPrinted(option)}'`),
  clientName: error("ERR Client names cannot contain spaces, newlines or special characters."),
  /** The attribute of CLIENT SETINFO in the client's spelling (Redis 7.2). */
  clientAttribute: (attribute: Bytes) =>
    error(`ERR ${attribute} cannot contain spaces, newlines or special characters.`),
  unrecognizedOption: (option: Bytes) => error(`ERR Unrecognized option '${option}'`),
  noSuchClient: error("ERR No such client"),
  invalidClientId: error("ERR Invalid client ID"),
  clientIdTooSmall: error("ERR client-id should be greater than 0"),
  unknownClientType: (type: Bytes) => error(`ERR Unknown client type '${type}'`),
  noSuchUser: (user: Bytes) => error(`ERR No such user '${user}'`),
  pauseMode: error("ERR CLIENT PAUSE mode must be WRITE or ALL"),
  timeoutNotAnInteger: error("ERR timeout is not an integer or out of range"),
  timeoutNegative: error("ERR timeout is negative"),
  notInRange: (min: number, max: number) =>
    error(`ERR value is out of range, value must between ${min} and ${max}`),
  /** A known subcommand with a number of words that it does not take. */
  subcommandUsage: (container: string, name: Bytes) =>
    error(
      `ERR unknown subcommand or wrong number of arguments for '${quoted(name)}'. Try ${container} HELP.`,
    ),
  // This node: COMMAND, CONFIG, DEBUG, SAVE, SHUTDOWN, SWAPDB, RAFT.
  invalidCommand: error("ERR Invalid command specified"),
  unknownConfigOption: (name: Bytes) =>
    error(`ERR Unknown option or number of arguments for CONFIG SET - '${asPrinted(name)}'`),
  /** The option (as Redis spells it when its value is bad, else as the client does), and why it was refused. */
  configSetFailed: (name: string, why: string) =>
    error(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${why}`),
  debugNotAllowed: error(
    'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.',
  ),
  debugProtocolType: error(
    "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
  ),
  resp3Only: error("ERR RESP2 is not supported by this command"),
  saveInProgress: error("ERR Background save already in progress"),
  noShutdown: error("ERR No shutdown in progress."),
  firstDatabaseInvalid: error("ERR invalid first DB index"),
  secondDatabaseInvalid: error("ERR invalid second DB index"),
  /** RAFT ADD; kvorum's own. */
  invalidAddress: (text: Bytes) =>
    error(`ERR invalid address '${quoted(text)}', expected host:port`),
  /** RAFT REMOVE and TRANSFER; kvorum's own. */
  invalidNodeId: error("ERR node id must be a positive integer"),
  arity: (name: string) => error(`ERR wrong number of arguments for '${name}' command`),
} as const;

const protocol = (words: string) => error(`ERR Protocol error: ${words}`);

/** What a client meets before its connection is closed: its bytes are not a request. */
export const protocolErrors = {
  multibulkLength: protocol("invalid multibulk length"),
  bulkLength: protocol("invalid bulk length"),
  unauthenticatedMultibulkLength: protocol("unauthenticated multibulk length"),
  unauthenticatedBulkLength: protocol("unauthenticated bulk length"),
  unbalancedQuotes: protocol("unbalanced quotes in request"),
  bigInline: protocol("too big inline request"),
  bigMultibulkCount: protocol("too big mbulk count string"),
  bigBulkCount: protocol("too big bulk count string"),
  /** Redis closes without a word here. */
  bigRequest: protocol("too big request"),
  /** Redis accepts any two bytes after a bulk string. */
  bulkEnd: protocol("expected CRLF after bulk string"),
  expectedBulk: (got: string) => protocol(`expected '$', got '${got}'`),
} as const;
