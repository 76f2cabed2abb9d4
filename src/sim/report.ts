/** What the simulator found wrong, gathered: one report for each kind at each instruction and allocation, counted. */

import { RoseError } from '../util/errors.js';
import type { Place } from '../util/errors.js';
import type { Program } from './program.js';

export type FaultKind =
  | 'out-of-bounds'
  | 'misaligned'
  | 'uninitialised-read'
  | 'shared-hazard'
  | 'write-conflict'
  | 'write-to-input'
  | 'read-before-dependency'
  | 'read-before-wait'
  | 'divergent-barrier'
  | 'divergent-shuffle'
  | 'deadlock'
  | 'not-co-resident'
  | 'mbarrier-misuse'
  | 'trap';

export interface SimReport {
  readonly kind: FaultKind;
  readonly kernel: string;
  readonly detail: string;
  /** Line of the PTX, and its text. */
  readonly ptxLine?: number;
  readonly ptx?: string;
  /** Line of the rendered module, where the PTX carries lines. */
  readonly moduleFile?: string;
  readonly moduleLine?: number;
  /** Coordinates of the CTA in the grid and of the thread in the CTA. */
  readonly block?: readonly [number, number, number];
  readonly thread?: readonly [number, number, number];
  /** Address as 0x...; allocation and byte offset for global memory. */
  readonly address?: string;
  readonly allocation?: string;
  readonly offset?: number;
  /** `out[3, 17]`. */
  readonly element?: string;
  /** How often it happened; the rest tells of the first. */
  count: number;
}

/** How parts of the machine tell of a fault: its kind, thread, instruction, and what is known of the place. */
export type Report = (
  kind: FaultKind,
  thread: number,
  instruction: number,
  more: Partial<SimReport> & { detail: string },
) => void;

export class Reporter {
  readonly #found = new Map<string, SimReport>();

  constructor(
    readonly program: Program,
    readonly limit: number,
  ) {}

  get reports(): SimReport[] {
    return [...this.#found.values()];
  }

  /** Whether another report of a new kind and place would be kept. */
  add(
    kind: FaultKind,
    instruction: number,
    more: Omit<Partial<SimReport>, 'kind'> & { detail: string },
  ): void {
    const key = `${kind} ${instruction} ${more.allocation ?? ''}`;
    const known = this.#found.get(key);
    if (known) {
      known.count++;
      return;
    }
    if (this.#found.size >= this.limit) return;
    const ptx = this.program.instructions[instruction];
    const lines = this.program.module.source.lines;
    this.#found.set(key, {
      kind,
      kernel: this.program.entry.name,
      ...(ptx && { ptxLine: ptx.line, ptx: (lines[ptx.line - 1] ?? '').trim() }),
      ...(ptx?.source && { moduleFile: ptx.source.file, moduleLine: ptx.source.line }),
      ...more,
      count: 1,
    });
  }
}

/** A report as one paragraph for people. */
export function formatReport(report: SimReport): string {
  const where = [
    report.element ?? (report.allocation && `${report.allocation} + ${report.offset ?? 0} bytes`),
    report.block && `block (${report.block.join(', ')})`,
    report.thread && `thread (${report.thread.join(', ')})`,
    report.moduleLine !== undefined && `${report.moduleFile}:${report.moduleLine}`,
    report.ptxLine !== undefined && `PTX line ${report.ptxLine}: ${report.ptx}`,
    report.count > 1 && `${report.count} times`,
  ].filter(Boolean);
  return `${report.kind} in ${report.kernel}: ${report.detail}; ${where.join('; ')}`;
}

/** The first report as the error a user sees. */
export function faultError(program: Program, reports: readonly SimReport[]): RoseError {
  const first = reports[0]!;
  const place: Place | undefined =
    first.ptxLine === undefined ? undefined : program.module.source.linePlace(first.ptxLine);
  return new RoseError({
    code: 'SIM_FAULT',
    message: `${first.kind} in ${first.kernel}: ${first.detail}`,
    ...(place && { place }),
    actual: formatReport(first),
    next: 'mend the kernel, or run with the check switched off if the access is meant',
    detail: reports.map(formatReport).join('\n'),
  });
}
