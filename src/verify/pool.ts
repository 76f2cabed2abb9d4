/**
 * Several subjects at once, in worker threads that live until the pool is disposed: what a thread has compiled and
 * learnt to run fast is kept. Without threads subjects run here, one after the other.
 */

import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { cancelled, throwIfCancelled } from '../util/cancel.js';
import { RoseError } from '../util/errors.js';
import { errorCode } from '../util/system-error.js';
import { takeLongest } from '../util/take-longest.js';
import { outOfMemory, type Answer, type Job, type SentOptions } from './job.js';
import type { Subject, Verdict } from './types.js';

export interface VerifyPoolOptions {
  /** Threads; 0: none, everything runs in this one. */
  readonly workers: number;
}

interface Task {
  readonly job: Job;
  readonly start: () => void;
  readonly settle: (answer: Answer) => void;
  readonly fail: (error: unknown) => void;
  worker?: Worker;
}

export class VerifyPool implements AsyncDisposable {
  private readonly queue: Task[] = [];
  private readonly running = new Map<Worker, Task>();
  private readonly idle: Worker[] = [];
  private readonly ending = new Set<Promise<unknown>>();
  /** The last job of this thread, where there are no others. */
  private inline: Promise<unknown> = Promise.resolve();
  private disposed = false;

  constructor(private readonly options: VerifyPoolOptions) {}

  /**
   * @param onStart called when the subject's turn has come
   * @throws CANCELLED, and what `verifyVariant` throws
   */
  async verify(
    subject: Subject,
    options: SentOptions = {},
    signal?: AbortSignal,
    onStart: () => void = () => undefined,
  ): Promise<Verdict> {
    const what = `verifying ${subject.variant.id}`;
    throwIfCancelled(signal, what);
    if (this.disposed) throw cancelled(what);
    const job: Job = { subject, options };
    const answer =
      this.options.workers === 0
        ? await this.runHere(job, what, onStart, signal)
        : await this.runThere(job, what, onStart, signal);
    switch (answer.kind) {
      case 'verdict':
        return answer.verdict;
      case 'error':
        throw new RoseError(answer.error);
      default: {
        const defect = new Error(answer.message);
        defect.stack = answer.stack;
        throw defect;
      }
    }
  }

  /** Ends every thread; subjects without a verdict are CANCELLED. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    for (const task of [...this.queue, ...this.running.values()])
      this.drop(task, cancelled(`verifying ${task.job.subject.variant.id}`));
    for (const worker of this.idle.splice(0)) this.end(worker);
    await Promise.all([...this.ending, this.inline]);
  }

  private runHere(
    job: Job,
    what: string,
    onStart: () => void,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const answer = this.inline.then(async () => {
      // The simulator is loaded where a kernel is run, and not to look up verdicts.
      const { attempt } = await import('./attempt.js');
      // Signals and timers get their turn between two subjects.
      await turn();
      throwIfCancelled(signal, what);
      if (this.disposed) throw cancelled(what);
      onStart();
      return attempt(job);
    });
    this.inline = answer.catch(() => undefined);
    return answer;
  }

  private async runThere(
    job: Job,
    what: string,
    start: () => void,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    let onAbort = (): void => undefined;
    try {
      return await new Promise<Answer>((settle, fail) => {
        const task: Task = { job, start, settle, fail };
        onAbort = () => this.drop(task, cancelled(what, signal?.reason));
        if (signal) {
          setMaxListeners(0, signal); // one a subject is no leak
          signal.addEventListener('abort', onAbort);
        }
        this.queue.push(task);
        this.pump();
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  private pump(): void {
    while (this.queue.length > 0) {
      const worker = this.idle.pop() ?? this.start();
      if (!worker) return;
      const task = takeLongest(this.queue, ({ job }) => job.subject.ptx.length);
      task.worker = worker;
      this.running.set(worker, task);
      task.start();
      worker.postMessage(task.job);
    }
  }

  private start(): Worker | undefined {
    if (this.running.size + this.idle.length >= this.options.workers) return undefined;
    // Flags of this process, such as those of `node -e`, are not the thread's.
    const worker = new Worker(new URL('./worker.js', import.meta.url), { execArgv: [] });
    worker.on('message', (answer: Answer) => {
      this.take(worker)?.settle(answer);
      if (this.disposed) return;
      this.idle.push(worker);
      this.pump();
    });
    // A thread that dies takes its subject with it, and no other.
    worker.on('error', (error) => {
      const task = this.take(worker);
      const memory = errorCode(error) === 'ERR_WORKER_OUT_OF_MEMORY';
      task?.fail(memory ? outOfMemory(task.job.subject.variant.id, error) : error);
      this.pump();
    });
    return worker;
  }

  /** The task of a worker, which is free of it now. */
  private take(worker: Worker): Task | undefined {
    const task = this.running.get(worker);
    this.running.delete(worker);
    return task;
  }

  private drop(task: Task, error: RoseError): void {
    const waiting = this.queue.indexOf(task);
    if (waiting >= 0) this.queue.splice(waiting, 1);
    if (task.worker && this.running.get(task.worker) === task) {
      // A kernel under way cannot be stopped otherwise.
      this.running.delete(task.worker);
      this.end(task.worker);
    }
    task.fail(error);
    if (!this.disposed) this.pump();
  }

  private end(worker: Worker): void {
    const ended = worker.terminate().finally(() => this.ending.delete(ended));
    this.ending.add(ended);
  }
}
