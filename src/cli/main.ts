/** The command line: arguments -> one command -> an exit code. Commands load what they need when they run. */

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { RoseError } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';
import { registerBench } from './commands/bench.js';
import { registerBuild } from './commands/build.js';
import { registerCache } from './commands/cache.js';
import { registerDoctor } from './commands/doctor.js';
import { registerExplain } from './commands/explain.js';
import { registerMatrix } from './commands/matrix.js';
import { registerMerge } from './commands/merge.js';
import { registerNew } from './commands/new.js';
import { registerPack } from './commands/pack.js';
import { registerPlan } from './commands/plan.js';
import { registerTune } from './commands/tune.js';
import { registerVerify } from './commands/verify.js';
import { EXIT, exitCodeOf } from './exit-codes.js';
import { colour, printError } from './output.js';

const EPILOGUE = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something is missing on this machine, 130 interrupted.

Start with:
  rose-gen build --model qwen3-8b --arch sm100
  rose-gen plan --model qwen3-8b --arch sm90,sm100`;

const COMMANDS = [
  registerBuild,
  registerVerify,
  registerBench,
  registerTune,
  registerPlan,
  registerExplain,
  registerMatrix,
  registerMerge,
  registerPack,
  registerDoctor,
  registerNew,
  registerCache,
];

/** Runs a command line as node gives it (process.argv) and returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  let exit: number = EXIT.ok;
  const program = new Command('rose-gen')
    .description('Turns kernel specs into specialised CuTeDSL modules, PTX and cubins, with no GPU present.')
    .version(version(), '-V, --version')
    .addHelpText('after', EPILOGUE)
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for what there is)')
    .configureOutput({ outputError: (text, write) => write(colour('red', text)) });
  for (const register of COMMANDS) {
    register(program, (code) => {
      exit = code;
    });
  }
  try {
    await program.parseAsync([...argv]);
    return exit;
  } catch (error) {
    // Help and version end with 0; for anything else the parser has printed what is wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    printError(error, { verbose: argv.includes('--verbose'), json: argv.includes('--json') });
    return error instanceof RoseError ? exitCodeOf(error) : EXIT.failed;
  }
}

function version(): string {
  return (JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string }).version;
}
