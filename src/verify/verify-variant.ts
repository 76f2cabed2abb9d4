/** A variant -> its verdict: every problem in the simulator with every check on, against the formula's reference. */

import { compileKernel, parsePtx, type LaunchOptions } from '../sim/index.js';
import { checkBatchInvariance, rowDimension } from './batch-invariance.js';
import { compareOutput } from './compare.js';
import { Doubt } from './doubt.js';
import { Launcher, type RunOptions } from './launch.js';
import { requireMatch } from './match.js';
import { problemsOf, type NamedProblem } from './problems.js';
import { evaluateReference } from './reference/index.js';
import type { CaseResult, Failure, Subject, Verdict } from './types.js';

export interface VerifyOptions {
  readonly checks?: LaunchOptions['checks'];
  /** Steps of one launch, after which it counts as one that never ends. */
  readonly limits?: LaunchOptions['limits'];
  /** The first failure decides: for mutants. */
  readonly stopAtFirstFailure?: boolean;
  readonly onCase?: (result: CaseResult) => void;
}

/** Jumps back of one launch: a hundred times what the largest case of the library takes. */
const STEPS = 20_000_000;

/**
 * @throws PTX_SYNTAX, PTX_UNSUPPORTED where the PTX cannot be simulated; MANIFEST_INVALID where it is not what the manifest
 *   speaks of; SIM_LIMIT for a kernel that does not end or needs too much memory.
 */
export function verifyVariant(subject: Subject, options: VerifyOptions = {}): Verdict {
  const { bound, variant, ptx } = subject;
  const module = parsePtx(ptx, `${variant.id}.ptx`);
  requireMatch(variant, module);
  const kernel = compileKernel(module, variant.entry);
  const launcher = new Launcher(bound, variant, kernel);
  const run: RunOptions = {
    checks: options.checks ?? 'all',
    limits: { steps: STEPS, reports: 16, ...options.limits },
  };
  const problems = problemsOf(bound, variant);
  const cases: CaseResult[] = [];
  const stop = (): boolean =>
    options.stopAtFirstFailure === true && cases.some(({ failures }) => failures.length > 0);
  const doubt = new Doubt();
  for (const named of problems) {
    cases.push(runCase(subject, launcher, named, run, doubt));
    options.onCase?.(cases.at(-1)!);
    if (stop()) break;
  }
  if (doubt.failures.length > 0) cases.push({ name: 'ordinary rows', failures: doubt.failures, worstUlp: 0 });
  const several = problems.filter(({ name }) => name.includes('normal')).at(-1);
  let batchInvariant: boolean | undefined;
  if (several && rowDimension(bound) !== undefined && !stop()) {
    const failure = checkBatchInvariance(bound, variant, launcher, several.problem, run);
    batchInvariant = failure === undefined;
    cases.push({ name: 'batch invariance', failures: failure ? [failure] : [], worstUlp: 0 });
    options.onCase?.(cases.at(-1)!);
  }
  return {
    id: variant.id,
    passed: cases.every(({ failures }) => failures.length === 0),
    cases,
    ...(batchInvariant !== undefined && { batchInvariant }),
  };
}

function runCase(
  { bound }: Subject,
  launcher: Launcher,
  { name, problem, multiprocessors }: NamedProblem,
  run: RunOptions,
  doubt: Doubt,
): CaseResult {
  const { outputs, reports } = launcher.run(problem, { ...run, multiprocessors });
  const failures: Failure[] = reports.map((report) => ({ kind: 'fault', report }));
  const references = evaluateReference(bound, problem);
  let worstUlp = 0;
  for (const output of outputs) {
    const reference = references.get(output.tensor.name)!;
    const compared = compareOutput(output, reference, bound.spec.tolerance?.ulp ?? 1);
    failures.push(...compared.failures);
    worstUlp = Math.max(worstUlp, compared.worstUlp);
    if (name.includes('normal')) doubt.add(output.tensor.name, compared);
  }
  return { name, failures, worstUlp };
}
