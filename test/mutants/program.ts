// The program and its simulations as JavaScript, once as they are, and with the changed file of each mutant beside it.

import { execFile } from "node:child_process";
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../support/process-server.ts";
import { type Mutant, mutate } from "./mutant.ts";

/** Inside of the checkout, where packages are found. */
const place = join(root, "scripts", "dist");
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
/** What the simulations import, wholly or in part. */
const sources = ["src", "test/simulation", "test/checking", "test/support", "test/mutants"];
const entry = "test/mutants/hunter";

/** Mutants do not have to keep the types: they have to run. */
const project = {
  extends: join(root, "tsconfig.json"),
  compilerOptions: {
    ...{ noEmit: false, noCheck: true, sourceMap: false, rootDir: "source", outDir: "built" },
    typeRoots: [join(root, "node_modules", "@types")],
  },
  files: [`source/${entry}.ts`],
  include: ["source/**/*.mutant-*.ts"],
};

/** Where the changed file of a mutant is kept until it takes the place of the real one. */
const asideOf = (file: string, number: number): string =>
  file.replace(/\.ts$/, `.mutant-${number}.ts`);
const compiled = (file: string): string => file.replace(/\.ts$/, ".js");

export class Program {
  readonly #directory: string;
  readonly #mutants: readonly Mutant[];

  constructor(directory: string, mutants: readonly Mutant[]) {
    this.#directory = directory;
    this.#mutants = mutants;
  }

  /** Compiles everything in one go. Rejects when a mutant does not apply. */
  static async compile(mutants: readonly Mutant[]): Promise<Program> {
    await mkdir(place, { recursive: true });
    const directory = await mkdtemp(join(place, "mutants-"));
    const program = new Program(directory, mutants);
    try {
      await program.#write();
      await promisify(execFile)(process.execPath, [compiler, "-p", directory]);
      return program;
    } catch (error) {
      await program.remove();
      throw error;
    }
  }

  async #write(): Promise<void> {
    const source = join(this.#directory, "source");
    for (const each of sources) {
      await cp(join(root, each), join(source, each), { recursive: true });
    }
    await writeFile(join(this.#directory, "tsconfig.json"), JSON.stringify(project));
    for (const [number, mutant] of this.#mutants.entries()) {
      const changed = mutate(mutant, await readFile(join(root, mutant.file), "utf8"));
      await writeFile(join(source, asideOf(mutant.file, number)), changed);
    }
  }

  /** A copy with the one changed file, or an unchanged one. Resolves to the script that runs seeds in it. */
  async prepare(mutant: Mutant | null): Promise<string> {
    const built = join(this.#directory, "built");
    const number = mutant === null ? -1 : this.#mutants.indexOf(mutant);
    const copy = join(this.#directory, `copy-${number}`);
    // The version of the program is read from beside its folder.
    await cp(built, copy, { recursive: true, filter: (path) => !/\.mutant-\d+\.js$/.test(path) });
    await copyFile(join(root, "package.json"), join(copy, "package.json"));
    if (mutant !== null) {
      const aside = join(built, compiled(asideOf(mutant.file, number)));
      await copyFile(aside, join(copy, compiled(mutant.file)));
    }
    return join(copy, `${entry}.js`);
  }

  remove(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }
}
