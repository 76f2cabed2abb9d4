/**
 * An NCCL on the fake driver: ranks of one process, whose operations meet by their order on each communicator.
 *
 * An operation runs when every rank it needs has it, and fails where dtype or count differ. Outside of a group an operation of
 * several ranks is refused: the real one would wait for ever.
 */

import { NCCL_SIGNATURES, type Nccl, type NcclApi } from '../../src/runtime/nccl/signatures.js';
import { decode, encode } from '../../src/runtime/dtype.js';
import type { FakeDriver } from './fake-driver.js';
import { FakeNative } from './fake-native.js';

const [OK, INVALID_ARGUMENT, INVALID_USAGE] = [0, 4, 5];
const DTYPES = ['i8', 'u8', 'i32', 'u32', 'i64', 'u64', 'f16', 'f32', 'f64', 'bf16', 'e4m3', 'e5m2'];
const BYTES = [1, 1, 4, 4, 8, 8, 2, 4, 8, 2, 1, 1];
const REDUCE: readonly ((values: readonly number[]) => number)[] = [
  (values) => values.reduce((sum, value) => sum + value, 0),
  (values) => values.reduce((product, value) => product * value, 1),
  (values) => Math.max(...values),
  (values) => Math.min(...values),
  (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
];

interface Communicator {
  readonly rank: number;
  readonly clique: number;
  readonly ranks: number;
  asyncError: number;
}

/** What one rank gives to an operation. */
interface Part {
  readonly rank: number;
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly type: number;
}

type Meet = (parts: readonly Part[]) => number;

export class FakeNccl extends FakeNative<typeof NCCL_SIGNATURES> {
  version = 22_809;
  /** Device ordinals of the last ncclCommInitAll. */
  ordinals: readonly number[] = [];
  aborted = 0;

  readonly #communicators = new Map<number, Communicator>();
  /** What ranks gave so far, the oldest operation first. */
  readonly #waiting = new Map<string, Part[][]>();
  #queued: (() => number)[] | undefined;
  #next = 0x5000;
  #cliques = 0;

  constructor(private readonly driver: FakeDriver) {
    super(
      NCCL_SIGNATURES,
      functionsOf(() => this),
    );
  }

  get library(): Nccl {
    return { library: 'fake NCCL', api: this.api, host: this.driver };
  }

  /** Communicators that are alive. */
  get live(): number {
    return this.#communicators.size;
  }

  /** Makes what is under way on a rank report an error. */
  breakRank(rank: number, status: number): void {
    for (const communicator of this.#communicators.values()) {
      if (communicator.rank === rank) communicator.asyncError = status;
    }
  }

  put(out: number, value: number): number {
    this.driver.host(out, 4).setInt32(0, value, true);
    return OK;
  }

  text(text: string): number {
    return this.driver.addressOf(new TextEncoder().encode(`${text}\0`));
  }

  uniqueId(out: number): number {
    this.driver.host(out, 128).setUint8(127, 42);
    return OK;
  }

  initAll(out: number, count: number, ordinals: number): number {
    const list = this.driver.host(ordinals, 4 * count);
    this.ordinals = Array.from({ length: count }, (_, i) => list.getInt32(4 * i, true));
    const clique = this.#cliques++;
    for (let rank = 0; rank < count; rank++)
      this.#make(out + 8 * rank, { rank, clique, ranks: count, asyncError: 0 });
    return OK;
  }

  initRank(out: number, ranks: number, rank: number, ids: number, id: number): number {
    if (ids !== 1 || this.driver.host(id, 128).getUint8(127) !== 42) return INVALID_ARGUMENT;
    return this.#make(out, { rank, clique: -1, ranks, asyncError: 0 });
  }

  end(communicator: number, abort: boolean): number {
    if (abort) this.aborted++;
    return this.#communicators.delete(communicator) ? OK : INVALID_ARGUMENT;
  }

  asyncError(communicator: number, out: number): number {
    return this.put(out, this.#communicators.get(communicator)!.asyncError);
  }

  groupStart(): number {
    if (this.#queued) return INVALID_USAGE;
    this.#queued = [];
    return OK;
  }

  groupEnd(): number {
    const queued = this.#queued;
    this.#queued = undefined;
    return queued ? queued.reduce((status, step) => status || step(), OK) : INVALID_USAGE;
  }

  /** One rank's part of an operation that meets those of `needs` ranks under `name`. */
  queue(
    name: string,
    needs: number,
    communicator: number,
    part: Omit<Part, 'rank'>,
    stream: number,
    meet: Meet,
  ): number {
    const member = this.#communicators.get(communicator);
    if (!member || !(part.type in DTYPES)) return INVALID_ARGUMENT;
    if (!this.#queued && needs > 1) return INVALID_USAGE;
    const key = `${member.clique} ${name}`;
    const step = (): number =>
      this.driver.enqueue(stream, () => {
        const meetings = this.#waiting.get(key) ?? [];
        this.#waiting.set(key, meetings);
        let parts = meetings.find((others) => !others.some(({ rank }) => rank === member.rank));
        if (!parts) meetings.push((parts = []));
        parts.push({ ...part, rank: member.rank });
        if (parts.length < needs) return OK;
        meetings.splice(meetings.indexOf(parts), 1);
        parts.sort((a, b) => a.rank - b.rank);
        if (parts.some(({ count, type }) => count !== parts[0]!.count || type !== parts[0]!.type))
          return INVALID_USAGE;
        return meet(parts);
      });
    if (!this.#queued) return step();
    this.#queued.push(step);
    return OK;
  }

  /** How many ranks a communicator has; 0 where there is none. */
  ranksOf(communicator: number): number {
    return this.#communicators.get(communicator)?.ranks ?? 0;
  }

  rankOf(communicator: number): number {
    return this.#communicators.get(communicator)?.rank ?? -1;
  }

  read(address: number, count: number, type: number): Float64Array {
    const memory = this.driver.device(address, count * BYTES[type]!);
    if (!memory) throw new Error(`a collective reads ${count} elements at ${address}`);
    return decode(DTYPES[type]!, memory);
  }

  write(address: number, type: number, values: ArrayLike<number>): void {
    const bytes = encode(DTYPES[type]!, values);
    const memory = this.driver.device(address, bytes.length);
    if (!memory) throw new Error(`a collective writes ${values.length} elements at ${address}`);
    memory.set(bytes);
  }

  #make(out: number, communicator: Communicator): number {
    this.#communicators.set(this.#next, communicator);
    this.driver.host(out, 8).setBigUint64(0, BigInt(this.#next), true);
    this.#next += 16;
    return OK;
  }
}

function functionsOf(self: () => FakeNccl): NcclApi {
  const reduced = (parts: readonly Part[], count: number, by: number): number[] => {
    const inputs = parts.map(({ from, type }) => self().read(from, count, type));
    return Array.from({ length: count }, (_, i) => REDUCE[by]!(inputs.map((values) => values[i]!)));
  };
  const all = (
    name: string,
    args: readonly number[],
    communicator: number,
    stream: number,
    meet: Meet,
  ): number => {
    const [from, to, count, type] = args as [number, number, number, number];
    return self().queue(
      name,
      self().ranksOf(communicator),
      communicator,
      { from, to, count, type },
      stream,
      meet,
    );
  };
  const message = (
    from: number,
    to: number,
    count: number,
    type: number,
    peer: number,
    communicator: number,
    stream: number,
  ): number => {
    const own = self().rankOf(communicator);
    const [sender, receiver] = from === 0 ? [peer, own] : [own, peer];
    return self().queue(
      `${sender} to ${receiver}`,
      2,
      communicator,
      { from, to, count, type },
      stream,
      (parts) => {
        const [source, target] = [
          parts.find((part) => part.from !== 0)!,
          parts.find((part) => part.to !== 0)!,
        ];
        self().write(target.to, type, self().read(source.from, count, type));
        return OK;
      },
    );
  };
  return {
    getVersion: (out) => self().put(out, self().version),
    getErrorString: (status) => self().text(status === INVALID_USAGE ? 'invalid usage' : `status ${status}`),
    getLastError: () => self().text('the last error'),
    getUniqueId: (out) => self().uniqueId(out),
    commInitRank: (out, ranks, rank, ids, id) => self().initRank(out, ranks, rank, ids, id),
    commInitAll: (out, count, ordinals) => self().initAll(out, count, ordinals),
    commDestroy: (communicator) => self().end(communicator, false),
    commAbort: (communicator) => self().end(communicator, true),
    commGetAsyncError: (communicator, out) => self().asyncError(communicator, out),
    groupStart: () => self().groupStart(),
    groupEnd: () => self().groupEnd(),
    allReduce: (from, to, count, type, by, communicator, stream) =>
      all('allReduce', [from, to, count, type], communicator, stream, (parts) => {
        const values = reduced(parts, count, by);
        for (const part of parts) self().write(part.to, type, values);
        return OK;
      }),
    reduceScatter: (from, to, count, type, by, communicator, stream) =>
      all('reduceScatter', [from, to, count, type], communicator, stream, (parts) => {
        const values = reduced(parts, count * parts.length, by);
        for (const { to: target, rank } of parts)
          self().write(target, type, values.slice(rank * count, (rank + 1) * count));
        return OK;
      }),
    allGather: (from, to, count, type, communicator, stream) =>
      all('allGather', [from, to, count, type], communicator, stream, (parts) => {
        const values = parts.flatMap((part) => [...self().read(part.from, count, type)]);
        for (const part of parts) self().write(part.to, type, values);
        return OK;
      }),
    broadcast: (from, to, count, type, root, communicator, stream) =>
      all(`broadcast of ${root}`, [from, to, count, type], communicator, stream, (parts) => {
        const values = self().read(parts[root]!.from, count, type);
        for (const part of parts) self().write(part.to, type, values);
        return OK;
      }),
    send: (from, count, type, peer, communicator, stream) =>
      message(from, 0, count, type, peer, communicator, stream),
    recv: (to, count, type, peer, communicator, stream) =>
      message(0, to, count, type, peer, communicator, stream),
  };
}
