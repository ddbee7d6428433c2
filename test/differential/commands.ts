// The generator: templates of every command of the families, filled with words and sometimes bent.

import type { Words } from "../support/raw-client.ts";
import type { Random } from "./random.ts";
import { placeholders } from "./words.ts";

/**
 * Lower-case words stand for themselves (in either case), upper-case ones are placeholders, and
 * "a|b|c" is one of its words, `_` meaning none.
 */
const stringTemplates: readonly string[] = [
  ...["append KEY VALUE", "append KEY VALUE", "decr KEY", "decrby KEY INT", "get KEY", "get KEY"],
  ...["getdel KEY", "getex KEY", "getex KEY ex SECONDS", "getex KEY px MILLIS"],
  ...["getex KEY exat AT", "getex KEY pxat ATMILLIS", "getex KEY persist"],
  ...["getex KEY ex|px|exat|pxat BADTIME", "getex KEY ex SECONDS persist", "getex KEY ex"],
  ...["getrange KEY INDEX INDEX", "getrange KEY INT INT", "getset KEY VALUE", "incr KEY"],
  ...["incrby KEY INT", "incrbyfloat KEY FLOAT", "incrbyfloat KEY FLOAT"],
  ...["set LCSKEY LCSTEXT", "set LCSKEY LCSTEXT", "lcs LCSKEY LCSKEY", "lcs LCSKEY LCSKEY len"],
  ...["lcs LCSKEY LCSKEY idx", "lcs LCSKEY LCSKEY idx minmatchlen INDEX"],
  ...["lcs LCSKEY LCSKEY idx withmatchlen|len minmatchlen INDEX", "lcs LCSKEY nokey idx"],
  ...["lcs LCSKEY LCSKEY minmatchlen INT withmatchlen", "lcs LCSKEY LCSKEY nosuch"],
  ...["mget KEY", "mget KEY KEY KEY", "mset KEY VALUE", "mset KEY VALUE KEY VALUE KEY VALUE"],
  ...["mset KEY VALUE KEY", "msetnx KEY VALUE", "msetnx KEY VALUE KEY VALUE", "msetnx KEY"],
  ...["psetex KEY MILLIS VALUE", "psetex KEY BADTIME VALUE", "setex KEY SECONDS VALUE"],
  ...["setex KEY BADTIME VALUE", "set KEY VALUE", "set KEY VALUE", "set KEY INT", "set KEY FLOAT"],
  ...["set KEY VALUE nx|xx|get|keepttl", "set KEY VALUE nx|xx|_ get|_ ex SECONDS"],
  ...["set KEY VALUE px MILLIS nx|xx|get|_", "set KEY VALUE exat AT get|_", "set KEY VALUE nx get"],
  ...["set KEY VALUE pxat ATMILLIS nx|xx|_", "set KEY VALUE ex|px|exat|pxat BADTIME"],
  ...["set KEY VALUE nx xx", "set KEY VALUE keepttl ex SECONDS", "set KEY VALUE ex", "set KEY"],
  ...["set KEY VALUE ex SECONDS px MILLIS", "set KEY VALUE nosuch", "set KEY VALUE get get"],
  ...["setnx KEY VALUE", "setrange KEY OFFSET VALUE", "setrange KEY OFFSET VALUE", "strlen KEY"],
  ...["strlen KEY", "substr KEY INDEX INDEX"],
];

const genericTemplates: readonly string[] = [
  ...["copy KEY KEY", "copy KEY KEY replace", "copy KEY KEY db DB", "copy KEY KEY db DB replace"],
  ...["copy KEY KEY nosuch", "copy KEY KEY db", "del KEY", "del KEY KEY KEY", "exists KEY"],
  ...["exists KEY KEY KEY", "expire KEY SECONDS", "expire KEY SECONDS nx|xx|gt|lt"],
  ...[
    "expire KEY BADTIME",
    "expire KEY SECONDS nx|xx|gt|lt nx|xx|gt|lt",
    "expire KEY SECONDS nosuch",
  ],
  ...["expireat KEY AT", "expireat KEY AT nx|xx|gt|lt", "expireat KEY BADTIME", "expireat KEY 1"],
  ...[
    "expiretime KEY",
    "keys PATTERN",
    "move KEY DB",
    "object encoding KEY",
    "object encoding KEY",
  ],
  ...["object refcount KEY", "object freq KEY", "object idletime KEY", "object help", "object"],
  ...["memory usage KEY", "memory usage KEY samples INT", "memory usage nokey samples INT"],
  ...["memory usage KEY samples", "memory usage", "memory help", "memory purge|doctor|stats"],
  ...["memory purge|doctor|stats VALUE", "memory malloc-stats VALUE", "memory", "memory nosuch"],
  ...["object nosuch KEY", "object encoding", "persist KEY", "pexpire KEY MILLIS"],
  ...["pexpire KEY MILLIS nx|xx|gt|lt", "pexpire KEY BADTIME", "pexpireat KEY ATMILLIS"],
  ...["pexpireat KEY ATMILLIS nx|xx|gt|lt", "pexpireat KEY BADTIME", "pexpiretime KEY", "pttl KEY"],
  ...["randomkey", "rename KEY KEY", "renamenx KEY KEY", "scan 0 count BIG"],
  ...["scan 0 match PATTERN count BIG", "scan 0 count BIG type string|hash|nosuch", "scan INT"],
  ...["scan 0 count INT", "scan 0 nosuch", "scan 0 match", "touch KEY", "touch KEY KEY", "ttl KEY"],
  ...["ttl KEY", "type KEY", "unlink KEY", "unlink KEY KEY", "sort_nosuch KEY"],
];

const connectionTemplates: readonly string[] = [
  ...[
    "echo VALUE",
    "echo",
    "echo VALUE VALUE",
    "hello",
    "hello 2",
    "hello 3",
    "hello 4",
    "hello x",
  ],
  ...["hello 3 setname NAME", "hello 2 setname", "hello 3 nosuch", "ping", "ping VALUE"],
  ...["ping VALUE VALUE", "select DB", "select 0", "reset", "client id", "client getname"],
  ...["client setname NAME", "client setname", "client getname VALUE", "client nosuch", "client"],
  ...[
    "client reply on|nosuch",
    "client reply",
    "client reply skip",
    "client reply off",
    "client info",
  ],
  ...[
    "client no-evict on|off|nosuch",
    "auth VALUE",
    "auth default VALUE",
    "auth nosuch VALUE",
    "auth",
  ],
];

const serverTemplates: readonly string[] = [
  ...["dbsize", "dbsize", "dbsize VALUE", "flushdb", "flushdb async|sync|nosuch", "flushall"],
  ...["flushall async|sync|nosuch", "swapdb DB DB", "time", "command info COMMANDNAME nosuch"],
  ...[
    "command docs COMMANDNAME",
    "command getkeys get KEY",
    "command getkeys mset KEY VALUE KEY VALUE",
  ],
  ...[
    "command nosuch",
    "command docs nosuch",
    "config get nosuch",
    "config get databases",
    "config",
  ],
  ...["config nosuch", "config set nosuch 1", "config set databases", "config get", "lastsave"],
  ...["nosuch", "nosuch VALUE VALUE", "get_ KEY", "VALUE VALUE", "command count"],
];

const families = [
  { templates: stringTemplates, weight: 0.55 },
  { templates: genericTemplates, weight: 0.88 },
  { templates: connectionTemplates, weight: 0.95 },
  { templates: serverTemplates, weight: 1 },
];

/** Which templates empty a database; drawn less often, or nothing would ever be there. */
const emptying = /^(flush|swapdb)/;

export function generateCommand(random: Random): Words {
  const dice = random.next();
  const family = families.find(({ weight }) => dice < weight) ?? families[0];
  let template = random.pick(family?.templates ?? stringTemplates);
  if (emptying.test(template) && random.chance(0.8)) template = "dbsize";
  const words = fill(template, random);
  const bent = random.chance(0.06) ? bend(words, random) : words;
  return expiresSoon(bent) || listsAll(bent) ? words : bent;
}

/** COMMAND, COMMAND INFO and COMMAND DOCS without names: kvorum has a part of Redis' commands. */
function listsAll(words: Words): boolean {
  const [name, sub] = words.map((word) => word.toLowerCase());
  return name === "command" && words.length < 3 && sub !== "nosuch" && sub !== "count";
}

function fill(template: string, random: Random): string[] {
  const words: string[] = [];
  for (const part of template.split(" ")) {
    const word = part.includes("|") ? random.pick(part.split("|")) : part;
    if (word === "_") continue;
    const placeholder = placeholders.get(word);
    if (placeholder !== undefined) words.push(placeholder(random));
    else words.push(random.chance(0.3) ? word.toUpperCase() : word);
  }
  return words;
}

/** A mistake as clients make them: a word too few, too many, doubled, replaced or in the wrong place. */
function bend(words: readonly string[], random: Random): string[] {
  const bent = [...words];
  const at = random.between(1, Math.max(1, bent.length - 1));
  const odd = placeholders.get("ODD")?.(random) ?? "";
  const kind = random.between(0, 4);
  if (kind === 0) bent.splice(at, 1);
  else if (kind === 1) bent.push(odd);
  else if (kind === 2) bent.splice(at, 0, bent[at] ?? odd);
  else if (kind === 3) bent[at] = odd;
  else bent.splice(at, 0, odd);
  return bent;
}

/**
 * True when bending has made an expiry that falls due during the run (or, for SET, is due already:
 * Redis keeps such a key in DBSIZE until its cycle finds it).
 */
export function expiresSoon(words: Words): boolean {
  const [name, ...rest] = words.map((word) => word.toLowerCase());
  if (name === undefined || !expiring.has(name)) return false;
  return rest.some((word, at) => {
    const option = units.get(rest[at - 1] ?? "");
    const unit = at === 1 ? (units.get(name) ?? option) : option;
    return unit !== undefined && /^[1-9]\d{0,18}$/.test(word) && Number(word) < unit;
  });
}

const expiring = new Set(["set", "getex", "setex", "psetex", "expire", "pexpire"]);

/** Numbers below these are too soon: after an option, or after the key of a command. */
const units: ReadonlyMap<string, number> = new Map([
  ...(["setex", "expire", "ex"].map((word) => [word, 10_000]) as [string, number][]),
  ...(["psetex", "pexpire", "px"].map((word) => [word, 10_000_000]) as [string, number][]),
  ["exat", 4_102_444_800],
  ["pxat", 4_102_444_800_000],
]);
