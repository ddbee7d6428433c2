// MEMORY DOCTOR

import {
  doctorDatasetBytesMin,
  doctorFullShare,
  doctorGapBytesMin,
  doctorPeakRatio,
  doctorProcessRatio,
  doctorSlotRatio,
} from "../../../constants.ts";
import { VerbatimReply } from "../../../resp/reply.ts";
import { optionValue } from "../options.ts";
import type { Config, MemoryFigures } from "../session-context.ts";
import type { SessionCommand } from "../spec.ts";
import { sharesOf } from "./memory-figures.ts";

export const memoryDoctor: SessionCommand = {
  kind: "session",
  name: "doctor",
  summary: "Says in sentences what is wrong with the memory of this node.",
  since: "4.0.0",
  group: "server",
  complexity: "O(1)",
  arity: 2,
  flags: [],
  tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
  run: ({ server }) => new VerbatimReply(report(server.memory(), server.config)),
};

function report(memory: MemoryFigures, config: Config): string {
  if (memory.dataset < doctorDatasetBytesMin) {
    return "There is too little data here to tell whether memory is used well.\n";
  }
  const problems = problemsOf(memory, config);
  if (problems.length === 0) return "There is no problem with the memory of this node.\n";
  return problems.map((problem) => ` * ${problem}\n`).join("");
}

function problemsOf(memory: MemoryFigures, config: Config): readonly string[] {
  const { used, peak, resident, dataset, allocated, active } = memory;
  const { processRatio, pageRatio } = sharesOf(memory);
  const limit = Number(optionValue(config, "maxmemory") ?? 0);
  const policy = optionValue(config, "maxmemory-policy");
  const problems: string[] = [];
  if (limit > 0 && dataset > limit * doctorFullShare && policy === "noeviction") {
    problems.push(
      "Nearly full: keys and values come close to maxmemory, and with maxmemory-policy noeviction writes will be refused. Raise maxmemory, delete keys, or choose a policy that evicts.",
    );
  }
  if (peak > used * doctorPeakRatio && peak - used > doctorGapBytesMin) {
    problems.push(
      "A peak in the past: this node once used much more than it does now. The system may still count some of that for the process; MEMORY PURGE gives back what is kept for new keys.",
    );
  }
  if (pageRatio > doctorSlotRatio && active - allocated > doctorGapBytesMin) {
    problems.push(
      "Pages with gaps: keys and values have very many different sizes, and the last page of each size is not full. This passes as data grows.",
    );
  }
  if (processRatio > doctorProcessRatio && resident - used > doctorGapBytesMin) {
    problems.push(
      "A process larger than what it uses: the system counts much more for it than its data, objects and buffers. A restart gives that back.",
    );
  }
  return problems;
}
