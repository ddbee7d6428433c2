// One option of the node's configuration, for commands that depend on it.

import type { Config } from "./session-context.ts";

/** The option's value as CONFIG GET shows it; undefined when this server has no such option. */
export function optionValue(config: Config, name: string): string | undefined {
  return config.all().find(([option]) => option === name)?.[1];
}
