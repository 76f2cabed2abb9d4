/**
 * One compile worker: a Python process that answers JSON lines.
 *
 * This class knows the process and the protocol; the pool knows jobs. A worker that dies, or writes anything but the
 * protocol, fails the job in hand with `WorkerDied` and is of no further use.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workerEnvironment } from '../util/env.js';
import { errorMessage } from '../util/system-error.js';

export interface WorkerCommand {
  readonly file: string;
  readonly args: readonly string[];
}

export interface WorkerRequest {
  /** Pseudo-file name of the module. */
  readonly file: string;
  readonly source: string;
  readonly options: string;
}

export type WorkerAnswer =
  | {
      readonly ok: true;
      readonly ptx: string;
      /** Base64. */
      readonly cubin: string;
      readonly seconds: number;
      readonly rss: number | null;
    }
  | {
      readonly ok: false;
      readonly kind: 'module' | 'memory';
      readonly type: string;
      readonly message: string;
      readonly line: number | null;
      readonly traceback: string;
      readonly rss: number | null;
    };

/** Why a worker is gone; `output` is the end of what it printed. */
export class WorkerDied extends Error {
  constructor(
    reason: string,
    readonly output: string,
  ) {
    super(reason);
  }
}

/** How much of a worker's standard error is kept for a report. */
const KEPT_OUTPUT = 8_192;

interface Pending {
  readonly resolve: (message: Record<string, unknown>) => void;
  readonly reject: (error: WorkerDied) => void;
}

export class CompileWorker {
  /** Resident bytes after the last answer, where the system tells. */
  rss: number | undefined;
  private pending: Pending | undefined;
  private unread: Record<string, unknown>[] = [];
  private died: WorkerDied | undefined;
  private output = '';
  private nextId = 1;

  private constructor(
    private readonly process: WorkerProcess,
    private readonly scratch: string,
  ) {}

  /** Starts the process; it is ready for jobs once `ready` resolves. */
  static async start(command: WorkerCommand): Promise<CompileWorker> {
    const { execa } = await import('execa');
    const scratch = await mkdtemp(join(tmpdir(), 'rose-gen-worker-'));
    const subprocess = execa(command.file, [...command.args, '--scratch', scratch], {
      env: workerEnvironment(),
      extendEnv: false,
      cwd: scratch,
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      buffer: false,
      reject: false,
      cleanup: true,
    });
    const worker = new CompileWorker(subprocess, scratch);
    worker.listen();
    return worker;
  }

  /** Resolves once the toolchain is imported; rejects with `WorkerDied`, also where it does not import. */
  async ready(): Promise<void> {
    const message = await this.nextMessage();
    if (typeof message['fatal'] === 'string') {
      this.kill('the toolchain does not import');
      throw new WorkerDied('the toolchain does not import', message['fatal']);
    }
    if (!('ready' in message)) throw this.brokenProtocol(JSON.stringify(message));
  }

  /** One job; a worker takes one at a time. Rejects with `WorkerDied`. */
  async compile(request: WorkerRequest): Promise<WorkerAnswer> {
    const id = this.nextId++;
    this.process.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    const message = await this.nextMessage();
    if (message['id'] !== id || !isAnswer(message)) throw this.brokenProtocol(JSON.stringify(message));
    this.rss = message.rss ?? undefined;
    return message;
  }

  /** Ends the process at once; the job in hand fails with this reason. */
  kill(reason: string): void {
    this.fail(reason);
    this.process.kill('SIGKILL');
  }

  /** Ends the process, at once if it is idle, and removes what it left. */
  async stop(): Promise<void> {
    this.kill('the worker was stopped');
    await this.process;
    await rm(this.scratch, { recursive: true, force: true });
  }

  private listen(): void {
    let rest = '';
    this.process.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.take(line);
    });
    this.process.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.output = (this.output + chunk).slice(-KEPT_OUTPUT);
    });
    // A write to a process that died is reported by its exit.
    this.process.stdin.on('error', () => undefined);
    void this.process.then(({ exitCode, signal, originalMessage }) => {
      this.fail(
        signal !== undefined
          ? `killed by ${signal}`
          : exitCode !== undefined
            ? `exit code ${exitCode}`
            : (originalMessage ?? ''),
      );
    });
  }

  private take(line: string): void {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch (error) {
      this.brokenProtocol(`${errorMessage(error)}: ${line.slice(0, 200)}`);
      return;
    }
    if (typeof message !== 'object' || message === null) {
      this.brokenProtocol(line.slice(0, 200));
      return;
    }
    const fields = message as Record<string, unknown>;
    if (this.pending) {
      this.pending.resolve(fields);
      this.pending = undefined;
    } else {
      this.unread.push(fields);
    }
  }

  private nextMessage(): Promise<Record<string, unknown>> {
    const unread = this.unread.shift();
    if (unread) return Promise.resolve(unread);
    if (this.died) return Promise.reject(this.died);
    return new Promise((resolve, reject) => {
      this.pending = { resolve, reject };
    });
  }

  private brokenProtocol(line: string): WorkerDied {
    this.kill(`it wrote something that is no answer: ${line.slice(0, 300)}`);
    return this.died!;
  }

  private fail(reason: string): void {
    this.died ??= new WorkerDied(reason, this.output);
    this.pending?.reject(this.died);
    this.pending = undefined;
  }
}

/** The part of an execa subprocess that is used here. */
interface WorkerProcess extends PromiseLike<{
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly originalMessage?: string | undefined;
}> {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  kill(signal: NodeJS.Signals): boolean;
}

function isAnswer(message: Record<string, unknown>): message is Record<string, unknown> & WorkerAnswer {
  return message['ok'] === true
    ? typeof message['ptx'] === 'string' && typeof message['cubin'] === 'string'
    : message['ok'] === false &&
        typeof message['message'] === 'string' &&
        typeof message['traceback'] === 'string';
}
