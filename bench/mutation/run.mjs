// Mutation testing of `verify`: seeded mutants of every kernel of specs/, and the share of them that verification catches.
//
//   node bench/mutation/run.mjs [--mutants N] [--seed S] [--kernels a,b] [--level ptx|ir|both] [--arch sm90,sm100]
//                               [--workers N] [--store DIR] [--keep DIR] [--dry]
//
// Writes bench/results/mutation.json and the generated part of docs/mutation.md; with --dry only says what survived.

/* global AbortSignal */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  applyPtxMutant,
  balanced,
  irMutants,
  isLegal,
  proveEquivalent,
  ptxMutants,
} from '../../dist/verify/mutation/index.js';
import { RoseError } from '../../dist/util/errors.js';
import { formatVerdict, VerifyPool } from '../../dist/verify/index.js';
import { openIrCompiler } from './ir-compiler.mjs';
import { options } from './options.mjs';
import { writeReport } from './report.mjs';
import { buildSubjects } from './subjects.mjs';

/** Jumps back of one launch: more than what these small variants take. */
const VERIFY = { stopAtFirstFailure: true, limits: { steps: 800_000, reports: 4 } };

const MINUTE = 60_000;

const started = performance.now();
const say = (text) => console.error(`${((performance.now() - started) / 1000).toFixed(0)} s: ${text}`);
const subjects = await buildSubjects(options);
say(`${subjects.size} variants built`);

const verifier = new VerifyPool({ workers: options.workers });
await inLanes(subjects.values(), options.workers, async ({ subject }) => {
  const verdict = await verifier.verify(subject, VERIFY);
  if (!verdict.passed) throw new Error(`fails without being changed: ${formatVerdict(verdict)}`);
});
say('all of them pass unchanged');

const results = [];
const refused = { ptx: 0, ir: 0, same: 0 };
const irShare = { ptx: 0, ir: 1, both: 0.25 }[options.level];
await runIr(Math.round(options.mutants * irShare));
await runPtx(Math.round(options.mutants * (1 - irShare)));
await verifier[Symbol.asyncDispose]();

const facts = {
  seed: options.seed,
  archs: options.archs,
  variants: subjects.size,
  /** Candidates that the toolchain (IR) or the simulator (PTX) does not take: no mutants. */
  refused,
};
if (options.write) writeReport(results, facts);
const survivors = results.filter(({ outcome }) => outcome === 'survived');
for (const each of survivors)
  console.log(
    [
      each.id,
      each.variant,
      each.operator,
      each.line,
      each.before,
      each.after || 'dropped',
      each.equivalent ?? '',
    ].join(' | '),
  );
say(
  `${results.length} mutants, ${survivors.length} survived, of them ${survivors.filter(({ equivalent }) => equivalent).length} equivalent; refused ${JSON.stringify(refused)}`,
);

async function runPtx(count) {
  const candidates = [...subjects].flatMap(([id, { subject }]) =>
    ptxMutants(subject.variant.kernel, id, subject.ptx),
  );
  say(`${candidates.length} candidates in PTX`);
  await run(candidates, count, 'ptx', (mutant) =>
    applyPtxMutant(subjects.get(mutant.variant).subject.ptx, mutant),
  );
}

async function runIr(count) {
  if (count === 0) return;
  const candidates = [...subjects].flatMap(([id, { rendered }]) => irMutants(id, rendered.kernel));
  say(`${candidates.length} candidates in the IR`);
  const compiler = await openIrCompiler(options.workers);
  try {
    await run(candidates, count, 'ir', (mutant) =>
      compiler.compile(subjects.get(mutant.variant), mutant.changed),
    );
  } finally {
    await compiler[Symbol.asyncDispose]();
  }
}

/** Takes candidates until `count` of them have a verdict. */
async function run(candidates, count, level, textOf) {
  const order = balanced(candidates, options.seed);
  let taken = 0;
  await inLanes(order, options.workers, async (mutant) => {
    if (taken >= count) return 'stop';
    taken++;
    const { subject } = subjects.get(mutant.variant);
    const ptx = await textOf(mutant);
    if (ptx === undefined || !isLegal(ptx, subject.variant.entry)) {
      taken--;
      refused[level]++;
      return undefined;
    }
    // The toolchain made the same of it: there is nothing to catch.
    if (ptx === subject.ptx) {
      taken--;
      refused.same++;
      return undefined;
    }
    const { changed: _, ...plain } = mutant;
    const result = { ...plain, ...(await judge(subject, ptx)) };
    results.push(result);
    if (result.by?.startsWith('it ran'))
      say(`${mutant.id} ${mutant.variant} ${result.by}: ${mutant.line} ${mutant.before} -> ${mutant.after}`);
    if (result.outcome === 'survived' && options.keep) {
      mkdirSync(options.keep, { recursive: true });
      writeFileSync(join(options.keep, `${mutant.id}.ptx`), ptx);
      writeFileSync(join(options.keep, `${mutant.variant}.ptx`), subject.ptx);
    }
    if (results.length % 100 === 0)
      say(
        `${results.length} mutants, ${results.filter(({ outcome }) => outcome === 'survived').length} survived`,
      );
    return undefined;
  });
}

async function judge(subject, ptx) {
  try {
    const signal = AbortSignal.timeout(MINUTE);
    const { passed, cases } = await verifier.verify({ ...subject, ptx }, VERIFY, signal);
    if (!passed) {
      const failure = cases.flatMap(({ failures }) => failures)[0];
      return { outcome: 'caught', by: failure.kind === 'fault' ? failure.report.kind : failure.kind };
    }
  } catch (error) {
    // The step ceiling is to end a kernel that does not: one that it does not end is not caught.
    if (error instanceof RoseError && error.code === 'CANCELLED')
      return { outcome: 'survived', by: 'it ran for a minute' };
    if (error instanceof RoseError) return { outcome: 'caught', by: error.code };
    say(`a defect of the verifier: ${error.stack}`);
    return { outcome: 'survived', by: `a defect of the verifier: ${error.message}` };
  }
  const { block } = subject.variant.launch;
  const threads = block[1] === 1 && block[2] === 1 ? block[0] : 0;
  const equivalent = proveEquivalent(subject.ptx, ptx, threads);
  return { outcome: 'survived', ...(equivalent !== undefined && { equivalent }) };
}

/** `work` on every item, a few at a time, until it says `stop`. */
async function inLanes(items, lanes, work) {
  const iterator = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let next = iterator.next(); !next.done; next = iterator.next())
        if ((await work(next.value)) === 'stop') return;
    }),
  );
}
