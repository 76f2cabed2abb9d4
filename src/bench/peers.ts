/**
 * Other implementations of the same operations, in a process of their own: requests and answers as lines of JSON.
 *
 * `python/peers/worker.py` answers for torch, torch.compile, Triton, quack and FlashInfer where they are installed. Inputs and
 * outputs pass through files.
 */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { RoseError } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';
import type { Timed } from './graph-timer.js';

export interface PeerTensor {
  readonly name: string;
  readonly role: 'in' | 'out' | 'inout';
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Holds the bytes of an input. */
  readonly file: string;
}

export interface PeerRequest {
  readonly kernel: string;
  readonly types: Readonly<Record<string, string>>;
  readonly flags: Readonly<Record<string, boolean | number | string>>;
  readonly dims: Readonly<Record<string, number>>;
  readonly scalars: Readonly<Record<string, number>>;
  readonly tensors: readonly PeerTensor[];
  /** Copies of the tensors that calls rotate through, and calls of a replay. */
  readonly sets: number;
  readonly calls: number;
  /** Bytes that are set to 0 before each replay, so that nothing of the tensors is left in the L2; 0: nothing. */
  readonly flush: number;
  readonly folder: string;
  readonly peers: readonly string[];
}

/** What became of one peer: outputs to compare (files by tensor), or why there is nothing to time. */
export interface PeerState {
  readonly outputs?: Readonly<Record<string, string>>;
  readonly note?: string;
  readonly absent?: string;
  readonly error?: string;
}

export interface PeerReady {
  readonly device: string;
  /** Version by peer; null where it is not there. */
  readonly peers: Readonly<Record<string, string | null>>;
  readonly reasons?: Readonly<Record<string, string>>;
}

interface Answer extends Record<string, unknown> {
  readonly id?: number;
  readonly ok?: boolean;
  readonly error?: string;
}

export class Peers implements AsyncDisposable {
  readonly #waiting = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: unknown) => void }
  >();
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ready: Promise<PeerReady>;
  #next = 1;
  #ended: RoseError | undefined;
  #said = '';

  /** @param command program and arguments; by default the worker of the package under `python` */
  constructor(python: string, command: readonly string[] = [packagePath('python/peers/worker.py')]) {
    this.#child = spawn(python, [...command], { stdio: 'pipe' });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-4000);
    });
    let ready: (value: PeerReady) => void = () => undefined;
    let failed: (error: unknown) => void = () => undefined;
    this.#ready = new Promise((resolve, reject) => {
      ready = resolve;
      failed = reject;
    });
    // Who waits for it hears of it.
    this.#ready.catch(() => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const answer = parse(line);
      if (!answer) return;
      if (answer['ready'] === true) ready(answer as unknown as PeerReady);
      else this.#settle(answer);
    });
    const end = (actual: string): void => {
      this.#ended = new RoseError({
        code: 'PEERS',
        message: 'the process that runs the peers ended',
        actual,
        expected: `${python} with torch`,
        next: 'name an interpreter that has the peers with --python, or leave --against out',
        detail: this.#said,
      });
      failed(this.#ended);
      for (const { reject } of this.#waiting.values()) reject(this.#ended);
      this.#waiting.clear();
    };
    this.#child.on('error', (error) => {
      end(error.message);
    });
    this.#child.on('close', (code, signal) => {
      end(this.#said.trim().split('\n').at(-1) ?? `exit ${code ?? signal}`);
    });
  }

  /** @throws PEERS where the process does not start */
  ready(): Promise<PeerReady> {
    return this.#ready;
  }

  /** Makes every peer that has the operation ready to be timed. @throws PEERS */
  async prepare(request: PeerRequest): Promise<Readonly<Record<string, PeerState>>> {
    const answer = await this.#ask({ op: 'prepare', ...request });
    return answer['peers'] as Record<string, PeerState>;
  }

  /** Frees what the last `prepare` made. @throws PEERS */
  async release(): Promise<void> {
    await this.#ask({ op: 'release' });
  }

  timed(peer: string): Timed {
    return {
      round: async (replays) =>
        (await this.#ask({ op: 'round', peer, replays }))['microseconds'] as readonly number[],
    };
  }

  /** Microseconds of host time a call outside a graph. @throws PEERS */
  async hostCost(peer: string, calls: number): Promise<number> {
    return (await this.#ask({ op: 'host', peer, calls }))['microseconds'] as number;
  }

  #ask(request: object): Promise<Answer> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }

  #settle(answer: Answer): void {
    const waiting = answer.id === undefined ? undefined : this.#waiting.get(answer.id);
    if (!waiting) return;
    this.#waiting.delete(answer.id!);
    if (answer.ok === true) {
      waiting.resolve(answer);
      return;
    }
    waiting.reject(
      new RoseError({
        code: 'PEERS',
        message: 'the process that runs the peers refused a request',
        actual: answer.error ?? 'no reason',
        next: 'see what it wrote, with --verbose',
        detail: this.#said,
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#child.once('close', resolve));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined)
      return;
    this.#child.stdin.end(`${JSON.stringify({ id: 0, op: 'quit' })}\n`);
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await closed;
    clearTimeout(patience);
  }
}

function parse(line: string): Answer | undefined {
  try {
    return JSON.parse(line) as Answer;
  } catch {
    // What a library prints beside the answers.
    return undefined;
  }
}
