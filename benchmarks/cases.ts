// What is measured, and the ratio to redis-server that kvorum must reach.

/** One run of redis-benchmark. */
export interface Case {
  readonly name: string;
  /** As `redis-benchmark -t` names it. */
  readonly test: string;
  readonly clients: number;
  readonly pipeline: number;
}

/** Ratio to redis-server per system; absent where there is no target. */
export interface Targets {
  readonly one?: number;
  readonly three?: number;
}

export interface Goal extends Case {
  readonly targets: Targets;
}

const column = (name: string, clients: number, pipeline: number, targets: Targets): Goal => ({
  name,
  test: name.startsWith("SET") ? "set" : "get",
  clients,
  pipeline,
  targets,
});

export const columns: readonly Goal[] = [
  column("SET c50", 50, 1, { one: 0.9, three: 0.5 }),
  column("SET c50 P16", 50, 16, { one: 0.8, three: 0.8 }),
  column("SET c1", 1, 1, { one: 0.7, three: 0.5 }),
  column("GET c50", 50, 1, { one: 1.0, three: 0.85 }),
  column("GET c50 P16", 50, 16, { one: 0.9, three: 0.7 }),
  column("GET c1", 1, 1, { one: 0.9, three: 0.5 }),
];

/** redis-benchmark's default list, beyond SET and GET, and the command that each needs. */
export const defaultList: ReadonlyMap<string, string> = new Map([
  ["ping_inline", "ping"],
  ["ping_mbulk", "ping"],
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
export const defaultListTarget = 0.7;

export const memoryTarget = 1.3;
export const restartTarget = 2;
