import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          // For machines that are busy: the slowest test takes some seconds.
          testTimeout: 60_000,
          include: [
            "test/*.test.ts",
            "test/{resp,raft,state,commands,net,node,cli,checking,benchmarks}/**/*.test.ts",
            "test/chaos/*/*.test.ts",
            "test/chaos/options.test.ts",
          ],
        },
      },
      {
        extends: true,
        test: {
          name: "simulation",
          include: ["test/{simulation,mutants}/*.test.ts"],
          maxWorkers: 2,
          testTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: [
            "test/{differential,integration,damage,soak}/**/*.test.ts",
            "test/chaos/smoke.test.ts",
          ],
          pool: "forks",
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
