// What is measured, and the ratio to redis-server that kvorum must reach.

/** The servers under measurement. */
export type SystemName = "redis" | "one" | "three" | "lease";
export const systemNames: readonly SystemName[] = ["redis", "one", "three", "lease"];

/** What has a processor time: of a cluster the leader, and its followers as the mean of them. */
export type ProcessName = SystemName | "three follower" | "lease follower";
export const processNames: readonly ProcessName[] = [
  "redis",
  "one",
  "three",
  "three follower",
  "lease",
  "lease follower",
];

/** One run of redis-benchmark. */
export interface Case {
  readonly name: string;
  /** As `redis-benchmark -t` names it. */
  readonly test: string;
  readonly clients: number;
  readonly pipeline: number;
}

/** Ratios to redis-server; absent where there is no target. */
export type Targets<Name extends string> = Readonly<Partial<Record<Name, number>>>;

export interface Goal extends Case {
  /** At most; these bind. */
  readonly processorTime: Targets<ProcessName>;
  /** At least; what to expect when the processor times are reached. */
  readonly throughput: Targets<SystemName>;
}

export const columns: readonly Goal[] = [
  {
    ...{ name: "PING c50", test: "ping_mbulk", clients: 50, pipeline: 1 },
    processorTime: { one: 1.4 },
    throughput: { one: 0.7 },
  },
  {
    ...{ name: "SET c50", test: "set", clients: 50, pipeline: 1 },
    processorTime: { one: 1.4, three: 1.8, "three follower": 0.8 },
    throughput: { one: 0.85, three: 0.5 },
  },
  {
    ...{ name: "SET c50 P16", test: "set", clients: 50, pipeline: 16 },
    processorTime: { one: 1.3, three: 1.6, "three follower": 0.8 },
    throughput: { one: 0.8, three: 0.55 },
  },
  {
    ...{ name: "SET c1", test: "set", clients: 1, pipeline: 1 },
    processorTime: {},
    throughput: { one: 0.75, three: 0.4 },
  },
  {
    ...{ name: "GET c50", test: "get", clients: 50, pipeline: 1 },
    processorTime: { one: 1.5, three: 1.9, "three follower": 0.3 },
    throughput: { one: 0.75, three: 0.55, lease: 0.75 },
  },
  {
    ...{ name: "GET c50 P16", test: "get", clients: 50, pipeline: 16 },
    processorTime: { one: 1.5, three: 1.8, "three follower": 0.2 },
    throughput: { one: 0.65, three: 0.5, lease: 0.6 },
  },
  {
    ...{ name: "GET c1", test: "get", clients: 1, pipeline: 1 },
    processorTime: {},
    throughput: { one: 0.85, three: 0.4 },
  },
];

/** A PING asks no other node, and only reads know a lease. */
export function isMeasuredOn(system: SystemName, what: Case): boolean {
  if (system === "lease") return what.test === "get";
  return system !== "three" || !what.test.startsWith("ping");
}

/** The rest of redis-benchmark's default list, and the command that each test needs. */
export const defaultList: ReadonlyMap<string, string> = new Map([
  ["ping_inline", "ping"],
  ["incr", "incr"],
  ["lpush", "lpush"],
  ["rpush", "rpush"],
  ["lpop", "lpop"],
  ["rpop", "rpop"],
  ["sadd", "sadd"],
  ["hset", "hset"],
  ["spop", "spop"],
  ["zadd", "zadd"],
  ["zpopmin", "zpopmin"],
  ["lrange_100", "lrange"],
  ["lrange_300", "lrange"],
  ["lrange_500", "lrange"],
  ["lrange_600", "lrange"],
  ["mset", "mset"],
]);

/** One node, every test of the default list. */
export const defaultListTargets: Targets<SystemName> = { one: 0.7 };

export const memoryTarget = 1.05;
export const restartTarget = 1.5;
