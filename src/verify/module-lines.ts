/**
 * Faults at lines of the PTX -> the same, with the line of the rendered module.
 *
 * The PTX that ships names no lines: they nearly double the time to compile and more than double the cubin. A variant
 * that faults is compiled once more, with them; where its instructions are those of the PTX that ran, lines carry over.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { architecture, type VariantEntry } from '../device/index.js';
import { parsePtx, type PtxEntry, type PtxInstruction } from '../sim/index.js';
import { CompilePool, findToolchain } from '../toolchain/index.js';
import type { Failure, Subject, Verdict } from './types.js';

const WITH_LINES = ['--generate-line-info'];

/** Line of the module by line of the PTX. */
type LineTable = ReadonlyMap<number, number>;

export class ModuleLines implements AsyncDisposable {
  #pool: Promise<CompilePool | undefined> | undefined;

  /** @param dir folder that a build wrote, for the modules */
  constructor(private readonly dir: string) {}

  /**
   * The verdict with module lines in its reports; as it was where the toolchain is not installed.
   * @throws COMPILE_FAILED and the other errors of the toolchain; CANCELLED
   */
  async complete({ variant, ptx }: Subject, verdict: Verdict, signal?: AbortSignal): Promise<Verdict> {
    this.#pool ??= openPool();
    const pool = await this.#pool;
    if (!pool) return verdict;
    const path = variant.files.module.path;
    const job = {
      name: variant.id,
      source: await readFile(join(this.dir, path), 'utf8'),
      arch: architecture(variant.arch).target,
      options: WITH_LINES,
    };
    const lines = lineTable(variant, ptx, (await pool.compile(job, signal)).ptx);
    return {
      ...verdict,
      cases: verdict.cases.map((each) => ({
        ...each,
        failures: each.failures.map((failure) => withLine(failure, path, lines)),
      })),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#pool)?.[Symbol.asyncDispose]();
  }
}

async function openPool(): Promise<CompilePool | undefined> {
  const toolchain = await findToolchain();
  return toolchain && new CompilePool({ python: toolchain.python, workers: 1 });
}

/** Empty where the two are not the same kernel: a PTX that somebody edited has no module to point at. */
export function lineTable({ entry }: Pick<VariantEntry, 'entry'>, ptx: string, withLines: string): LineTable {
  const ran = instructionsOf(ptx, entry);
  const located = instructionsOf(withLines, entry);
  const same =
    ran.length === located.length && ran.every(({ opcode }, index) => opcode === located[index]!.opcode);
  if (!same) return new Map();
  return new Map(
    ran.flatMap(({ line }, index) => {
      const source = located[index]!.source;
      return source ? [[line, source.line] as const] : [];
    }),
  );
}

function instructionsOf(ptx: string, entry: string): readonly PtxInstruction[] {
  const kernel: PtxEntry | undefined = parsePtx(ptx).entries.find(({ name }) => name === entry);
  return kernel?.body.filter((statement) => statement.kind === 'instruction') ?? [];
}

function withLine(failure: Failure, moduleFile: string, lines: LineTable): Failure {
  if (failure.kind !== 'fault' || failure.report.ptxLine === undefined) return failure;
  const moduleLine = lines.get(failure.report.ptxLine);
  if (moduleLine === undefined) return failure;
  return { kind: 'fault', report: { ...failure.report, moduleFile, moduleLine } };
}
