/** Build events -> a progress list on a terminal, plain lines elsewhere. */

import type { BuildEvent } from '../build/index.js';
import { env } from '../util/env.js';
import { colour, note } from './output.js';

export interface Progress {
  readonly onEvent: (event: BuildEvent) => void;
  /** One line of what is going on. */
  readonly say: (text: string) => void;
  /** Runs the work inside the progress display. */
  run<T>(title: string, work: () => Promise<T>): Promise<T>;
}

export function makeProgress(quiet: boolean): Progress {
  if (quiet) return { onEvent: () => undefined, say: () => undefined, run: (_title, work) => work() };
  return process.stderr.isTTY && !env.ci ? listProgress() : plainProgress();
}

function plainProgress(): Progress {
  return {
    onEvent: (event) => note(describe(event)),
    say: note,
    run: async (title, work) => {
      note(title);
      return await work();
    },
  };
}

function listProgress(): Progress {
  let show = (_text: string): void => undefined;
  return {
    onEvent: (event) => show(describe(event)),
    say: (text) => show(text),
    run: async <T>(title: string, work: () => Promise<T>): Promise<T> => {
      const { Listr } = await import('listr2');
      const results: T[] = [];
      await new Listr(
        [
          {
            title,
            task: async (_context, task) => {
              show = (text) => {
                task.output = text;
              };
              results.push(await work());
            },
            rendererOptions: { outputBar: 5 },
          },
        ],
        {
          // Ctrl-C is the command's to handle: listr2 would end the process in the middle of a file.
          registerSignalListeners: false,
          // Results have standard output to themselves.
          rendererOptions: { logger: await stderrLogger() },
        },
      ).run();
      return results[0]!;
    },
  };
}

async function stderrLogger() {
  const { ListrLogger, ProcessOutput } = await import('listr2');
  return new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
}

export function describe(event: BuildEvent): string {
  switch (event.kind) {
    case 'toolchain':
      return `toolchain: ${event.message}`;
    case 'variant': {
      const width = String(event.total).length;
      const how = event.from === 'store' ? 'from the store' : `${event.seconds.toFixed(2)} s`;
      return `[${String(event.done).padStart(width)}/${event.total}] ${event.id} ${colour('dim', how)}`;
    }
    case 'notice':
      return event.message;
    default:
      event satisfies never;
      return '';
  }
}
