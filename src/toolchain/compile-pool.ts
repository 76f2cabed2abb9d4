/**
 * Rendered modules -> PTX and cubins, through a pool of compile workers.
 *
 * Workers start when jobs need them and live until the pool is disposed: importing the toolchain takes longer than
 * compiling a kernel. A job that outlives its time limit loses its worker; a worker that dies is replaced and its job
 * tried once more; one that has grown too large is replaced between two jobs.
 */

import { setMaxListeners } from 'node:events';
import { cpus } from 'node:os';
import { cancelled } from '../util/cancel.js';
import { RoseError } from '../util/errors.js';
import { takeLongest } from '../util/take-longest.js';
import { CompileError } from './compile-error.js';
import { CompileWorker, WorkerDied, type WorkerAnswer, type WorkerCommand } from './compile-worker.js';
import { WORKER_SCRIPT } from './toolchain.js';

export interface CompileJob {
  /** Name of the variant: the module is compiled as `rose/NAME.py`. */
  readonly name: string;
  readonly source: string;
  /** Compile target of the toolchain: `sm_90a`. */
  readonly arch: string;
  /** Further compile options, each as it stands: `--enable-assertions`. Part of the artifact key. */
  readonly options?: readonly string[];
}

export interface CompileOutput {
  readonly ptx: string;
  readonly cubin: Uint8Array;
  /** What the compile took in its worker. */
  readonly seconds: number;
}

export interface CompilePoolOptions {
  /** Interpreter of the toolchain. */
  readonly python: string;
  /** Most workers at once; by default one a processor. */
  readonly workers?: number;
  /** Longest that one compile may take, in milliseconds; default two minutes. */
  readonly timeoutMs?: number;
  /** Longest that a worker may take to start, in milliseconds; default one minute. */
  readonly startTimeoutMs?: number;
  /** Address space a worker may use, in bytes; default 4 GiB. A compile that needs more fails. */
  readonly memoryBytes?: number;
  /** Resident memory, in bytes, above which an idle worker is replaced; default 550 MiB. */
  readonly recycleBytes?: number;
  /** What to run as a worker instead of the toolchain's. */
  readonly command?: WorkerCommand;
}

const DEFAULTS = {
  timeoutMs: 120_000,
  startTimeoutMs: 60_000,
  memoryBytes: 4 * 2 ** 30,
  recycleBytes: 550 * 2 ** 20,
};

/** A job is tried again once after its worker died under it. */
const MAX_ATTEMPTS = 2;

/** The compile options of a job, as the toolchain reads them and as the artifact key holds them. */
export function compileOptions(job: Pick<CompileJob, 'arch' | 'options'>): string {
  return ['--gpu-arch', job.arch, ...(job.options ?? [])].join(' ');
}

interface Task {
  readonly job: CompileJob;
  readonly resolve: (output: CompileOutput) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
  /** The worker that has it in hand. */
  worker?: CompileWorker;
  settled: boolean;
}

export class CompilePool implements AsyncDisposable {
  private readonly limits: typeof DEFAULTS;
  private readonly maxWorkers: number;
  private readonly command: WorkerCommand;
  private readonly queue: Task[] = [];
  private readonly running = new Set<Task>();
  private readonly idle: CompileWorker[] = [];
  private readonly lanes = new Set<Promise<void>>();
  private readonly stopping = new Set<Promise<void>>();
  private starting = 0;
  private startFailures = 0;
  private disposed = false;

  constructor(options: CompilePoolOptions) {
    this.limits = {
      timeoutMs: options.timeoutMs ?? DEFAULTS.timeoutMs,
      startTimeoutMs: options.startTimeoutMs ?? DEFAULTS.startTimeoutMs,
      memoryBytes: options.memoryBytes ?? DEFAULTS.memoryBytes,
      recycleBytes: options.recycleBytes ?? DEFAULTS.recycleBytes,
    };
    this.maxWorkers = Math.max(1, options.workers ?? cpus().length);
    this.command = options.command ?? {
      file: options.python,
      args: ['-I', WORKER_SCRIPT, '--memory-bytes', String(this.limits.memoryBytes)],
    };
  }

  /**
   * Compiles one module. Raises COMPILE_FAILED (a `CompileError`), COMPILE_TIMEOUT, COMPILE_CRASHED, or CANCELLED
   * when the signal fires or the pool is disposed.
   */
  compile(job: CompileJob, signal?: AbortSignal): Promise<CompileOutput> {
    if (this.disposed || signal?.aborted) return Promise.reject(cancelled(`compiling ${job.name}`));
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.cancel(task);
      const settle =
        <T>(how: (value: T) => void) =>
        (value: T): void => {
          if (task.settled) return;
          task.settled = true;
          signal?.removeEventListener('abort', onAbort);
          how(value);
        };
      const task: Task = {
        job,
        resolve: settle(resolve),
        reject: settle(reject),
        attempts: 0,
        settled: false,
      };
      if (signal) {
        setMaxListeners(0, signal); // one a job is no leak
        signal.addEventListener('abort', onAbort);
      }
      this.queue.push(task);
      this.pump();
    });
  }

  /** Starts up to `count` workers before there are jobs, so that the toolchain is imported meanwhile. */
  warm(count: number): void {
    const wanted = Math.min(count, this.maxWorkers);
    while (!this.disposed && this.workers() < wanted) this.startWorker();
  }

  /** Workers alive or starting. */
  workers(): number {
    return this.starting + this.idle.length + this.running.size;
  }

  /** Ends every worker; jobs not finished are CANCELLED. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    for (const task of [...this.queue, ...this.running]) this.cancel(task);
    for (const worker of this.idle.splice(0)) this.stop(worker);
    await Promise.all(this.lanes);
    await Promise.all(this.stopping);
  }

  private cancel(task: Task): void {
    const queued = this.queue.indexOf(task);
    if (queued >= 0) this.queue.splice(queued, 1);
    task.reject(cancelled(`compiling ${task.job.name}`));
    task.worker?.kill('the job was cancelled');
  }

  /** Gives queued jobs to idle workers, and starts workers for jobs that have none coming. */
  private pump(): void {
    while (this.queue.length > 0 && this.idle.length > 0) {
      const task = takeLongest(this.queue, ({ job }) => job.source.length);
      this.track(this.run(task, this.idle.pop()!));
    }
    while (!this.disposed && this.starting < this.queue.length && this.workers() < this.maxWorkers)
      this.startWorker();
  }

  private startWorker(): void {
    this.starting += 1;
    this.track(this.bringUp());
  }

  private async bringUp(): Promise<void> {
    let worker: CompileWorker | undefined;
    try {
      worker = await CompileWorker.start(this.command);
      const started = worker;
      await withTimer(
        this.limits.startTimeoutMs,
        () => started.kill('it did not start in time'),
        worker.ready(),
      );
      this.startFailures = 0;
    } catch (error) {
      this.startFailures += 1;
      if (worker) this.stop(worker);
      // A start may fail by bad luck; two in a row are a fault that every job would meet.
      if (this.startFailures >= MAX_ATTEMPTS)
        for (const task of this.queue.splice(0)) task.reject(startFailed(error));
      worker = undefined;
    }
    this.starting -= 1;
    if (worker) this.release(worker);
    else this.pump();
  }

  private async run(task: Task, worker: CompileWorker): Promise<void> {
    this.running.add(task);
    task.worker = worker;
    task.attempts += 1;
    const { name, source } = task.job;
    const file = `rose/${name}.py`;
    const options = compileOptions(task.job);
    let timedOut = false;
    const expire = (): void => {
      timedOut = true;
      worker.kill('it took too long');
    };
    let died: unknown;
    try {
      const answer = await withTimer(
        this.limits.timeoutMs,
        expire,
        worker.compile({ file, source, options }),
      );
      if (answer.ok) task.resolve(output(answer));
      else if (answer.kind === 'module') task.reject(new CompileError(file, source, options, answer));
      else died = new WorkerDied(`it needs more than ${this.limits.memoryBytes} bytes`, answer.traceback);
    } catch (error) {
      died = error;
    }
    this.running.delete(task);
    delete task.worker;
    if (died === undefined) {
      this.release(worker);
      return;
    }
    this.stop(worker);
    if (timedOut) task.reject(this.timeout(task.job));
    else if (task.attempts >= MAX_ATTEMPTS) task.reject(crashed(task.job, died));
    else if (!task.settled) this.queue.unshift(task);
    this.pump();
  }

  /** Puts a worker back, or replaces it where it has grown too large. */
  private release(worker: CompileWorker): void {
    if (this.disposed || (worker.rss ?? 0) > this.limits.recycleBytes) this.stop(worker);
    else this.idle.push(worker);
    this.pump();
  }

  private stop(worker: CompileWorker): void {
    const stopped = worker.stop().finally(() => this.stopping.delete(stopped));
    this.stopping.add(stopped);
  }

  private track(lane: Promise<void>): void {
    const tracked = lane.finally(() => this.lanes.delete(tracked));
    this.lanes.add(tracked);
  }

  private timeout(job: CompileJob): RoseError {
    return new RoseError({
      code: 'COMPILE_TIMEOUT',
      message: `compiling ${job.name} for ${job.arch} took too long`,
      actual: `more than ${this.limits.timeoutMs / 1000} s`,
      expected: 'well under a second for most kernels',
      next: 'build again when the machine is less busy; if it stays, choose a smaller schedule for this kernel',
    });
  }
}

function output(answer: WorkerAnswer & { ok: true }): CompileOutput {
  return { ptx: answer.ptx, cubin: Buffer.from(answer.cubin, 'base64'), seconds: answer.seconds };
}

function crashed(job: CompileJob, error: unknown): RoseError {
  return new RoseError({
    code: 'COMPILE_CRASHED',
    message: `the compile worker died twice on ${job.name} for ${job.arch}`,
    actual: error instanceof Error ? error.message : String(error),
    next: 'run the build again with --verbose; if it stays, this kernel breaks the toolchain',
    ...(error instanceof WorkerDied && { detail: error.output }),
    cause: error,
  });
}

function startFailed(error: unknown): RoseError {
  return new RoseError({
    code: 'COMPILE_CRASHED',
    message: 'compile workers do not start',
    actual: error instanceof Error ? error.message : String(error),
    next: 'run `rose-gen doctor`',
    ...(error instanceof WorkerDied && { detail: error.output }),
    cause: error,
  });
}

/** `work`, with `expire` called if it takes longer than this. */
async function withTimer<T>(milliseconds: number, expire: () => void, work: Promise<T>): Promise<T> {
  const timer = setTimeout(expire, milliseconds);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
