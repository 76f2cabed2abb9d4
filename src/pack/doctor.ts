/**
 * A bundle and the machine it lies on -> what is right, what is wrong and how to mend it.
 *
 * It runs inside the bundle, where nothing of the compiler is. What it needs before every file has been checked is
 * Node's own; the runtime is loaded after that, and not at all where its files are damaged.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BUNDLE_FILE,
  BUNDLE_SCHEMA,
  LAYOUT,
  type BundledFile,
  type BundleRecord,
  type Finding,
} from './bundle.js';

/** The same as the command line's: 1 for a damaged bundle, 3 for something that this machine lacks. */
export const DOCTOR_EXIT = { ok: 0, failed: 1, usage: 2, missing: 3 } as const;

/** The machine as the checks see it. */
export interface Machine {
  /** Version of Node. */
  readonly node: string;
  readonly platform: string;
  /** Path of the driver's library; default: where the system has it. */
  readonly driver?: string;
}

const UNPACK = 'unpack the archive again; if it stays so, copy the archive again or pack it again';
const USAGE = 'usage: node doctor.mjs [--json] [--driver PATH]';
const SHOWN = 5;

/** Checks the bundle in `root`, prints what it found and returns the exit code. */
export async function runDoctor(root: string, args: readonly string[]): Promise<number> {
  const asked = readArguments(args);
  if (asked === undefined) {
    console.error(`${USAGE}\nactual: ${args.join(' ')}`);
    return DOCTOR_EXIT.usage;
  }
  if (asked.help) {
    console.log(
      `${USAGE}\nExits with 0 where all is well, 1 where the bundle is damaged, 3 where this machine lacks something.`,
    );
    return DOCTOR_EXIT.ok;
  }
  const findings = await diagnoseBundle(root, {
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    ...(asked.driver !== undefined && { driver: asked.driver }),
  });
  console.log(asked.json ? JSON.stringify(findings, undefined, 2) : findings.map(line).join('\n'));
  return exitCode(findings);
}

export async function diagnoseBundle(root: string, machine: Machine): Promise<readonly Finding[]> {
  const record = readRecord(root);
  if (typeof record === 'string') return [{ id: 'files', status: 'wrong', found: record, fix: UNPACK }];
  const damaged = record.files.flatMap((file) => {
    const problem = problemOf(root, file);
    return problem === undefined ? [] : [{ path: file.path, problem }];
  });
  const first = [checkNode(record, machine), checkPlatform(record, machine), summary(record, damaged)];
  const usable = first[1]!.status === 'ok' && damaged.length === 0;
  return [...first, ...(usable ? await gpu(root, record, machine) : skipped(damaged.length > 0))];
}

async function gpu(root: string, record: BundleRecord, { driver }: Machine): Promise<readonly Finding[]> {
  const { diagnoseGpu } = await import('./doctor-gpu.js');
  return diagnoseGpu(record, join(root, LAYOUT.kernels), driver);
}

function skipped(damaged: boolean): readonly Finding[] {
  const found = `not looked at: ${damaged ? 'files of the bundle are damaged' : 'the bundle is for another platform'}`;
  return [
    { id: 'driver', status: 'skipped', found },
    { id: 'device', status: 'skipped', found },
  ];
}

/** The record, or what is wrong with it. */
function readRecord(root: string): BundleRecord | string {
  let value: Partial<BundleRecord> | null;
  try {
    value = JSON.parse(readFileSync(join(root, BUNDLE_FILE), 'utf8')) as Partial<BundleRecord> | null;
  } catch (error) {
    return `${BUNDLE_FILE} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (value?.schema !== BUNDLE_SCHEMA)
    return `${BUNDLE_FILE} is of schema ${String(value?.schema)}, not ${BUNDLE_SCHEMA}`;
  const whole =
    Array.isArray(value.files) &&
    value.files.every(({ path, sha256 }) => typeof path === 'string' && typeof sha256 === 'string') &&
    typeof value.node?.minimum === 'string' &&
    [value.platform, value.minimumDriver].every((field) => typeof field === 'string') &&
    Array.isArray(value.archs);
  return whole ? (value as BundleRecord) : `${BUNDLE_FILE} is damaged`;
}

function problemOf(root: string, { path, sha256 }: BundledFile): string | undefined {
  try {
    const found = createHash('sha256')
      .update(readFileSync(join(root, path)))
      .digest('hex');
    return found === sha256 ? undefined : 'is not the file that was packed';
  } catch (error) {
    const none = (error as { readonly code?: unknown }).code === 'ENOENT';
    return none ? 'is missing' : `cannot be read (${(error as Error).message})`;
  }
}

function summary(
  { files }: BundleRecord,
  damaged: readonly { readonly path: string; readonly problem: string }[],
): Finding {
  if (damaged.length === 0)
    return { id: 'files', status: 'ok', found: `${files.length} files, each as it was packed` };
  const shown = damaged.slice(0, SHOWN).map(({ path, problem }) => `${path} ${problem}`);
  const more = damaged.length > SHOWN ? [`and ${damaged.length - SHOWN} more`] : [];
  return { id: 'files', status: 'wrong', found: [...shown, ...more].join('; '), fix: UNPACK };
}

function checkNode({ node: { minimum, included } }: BundleRecord, { node }: Machine): Finding {
  if (atLeast(node, minimum)) return { id: 'node', status: 'ok', found: node };
  return {
    id: 'node',
    status: 'missing',
    found: `${node}, needs ${minimum} or later`,
    fix:
      included === undefined
        ? `install Node ${minimum} or later, or pack again with --node`
        : `run ${included}`,
  };
}

function atLeast(version: string, least: string): boolean {
  const [left, right] = [version, least].map((text) => text.split('.').map(Number));
  const at = right!.findIndex((part, i) => part !== (left![i] ?? 0));
  return at === -1 || (left![at] ?? 0) > right![at]!;
}

function checkPlatform({ platform }: BundleRecord, machine: Machine): Finding {
  if (platform === machine.platform) return { id: 'platform', status: 'ok', found: platform };
  return {
    id: 'platform',
    status: 'missing',
    found: `${machine.platform}, the bundle is for ${platform}`,
    fix: `pack again with --platform ${machine.platform}`,
  };
}

function readArguments(
  args: readonly string[],
): { readonly json: boolean; readonly help: boolean; readonly driver?: string } | undefined {
  const rest = [...args];
  let [json, help] = [false, false];
  let driver: string | undefined;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--json') json = true;
    else if (word === '--help') help = true;
    else if (word === '--driver' && rest.length > 0) driver = rest.shift();
    else return undefined;
  }
  return { json, help, ...(driver !== undefined && { driver }) };
}

function line({ id, status, found, fix }: Finding): string {
  const text = `${status.padEnd(7)}  ${id.padEnd(10)} ${found}`;
  return fix === undefined ? text : `${text}\n${' '.repeat(20)}fix: ${fix}`;
}

function exitCode(findings: readonly Finding[]): number {
  if (findings.some(({ status }) => status === 'wrong')) return DOCTOR_EXIT.failed;
  return findings.some(({ status }) => status === 'missing') ? DOCTOR_EXIT.missing : DOCTOR_EXIT.ok;
}
