/**
 * Exact counts of what a launch did: instructions by class, global bytes and sectors, shared-memory bank conflicts,
 * divergence, barriers.
 *
 * Lanes of a warp are counted together by how often each has come to a block: the n-th time of every lane is taken to be
 * one issue, which holds where lanes that part meet again at the end of the branch or loop.
 */

import type { Program } from './program.js';

export interface Profile {
  /** Instructions issued by warps, by class. */
  readonly instructions: Readonly<Record<string, number>>;
  /** Share of lanes that were active, over all issues: 1 without divergence. */
  readonly activeLanes: number;
  readonly global: {
    readonly load: GlobalTraffic;
    readonly store: GlobalTraffic;
    readonly atomic: GlobalTraffic;
  };
  readonly shared: {
    readonly load: SharedTraffic;
    readonly store: SharedTraffic;
    readonly atomic: SharedTraffic;
  };
  /** Barriers that CTAs completed; cluster barriers count once. */
  readonly barriers: number;
  readonly blocks: number;
}

export interface GlobalTraffic {
  /** Warp requests, bytes that lanes asked for, and 32-byte sectors touched, a request at a time. */
  readonly requests: number;
  readonly bytes: number;
  readonly sectors: number;
}

export interface SharedTraffic {
  readonly requests: number;
  readonly bytes: number;
  /** Passes over the 32 banks, and how many of them conflicts cost. */
  readonly passes: number;
  readonly conflicts: number;
}

export type Access = 'load' | 'store' | 'atomic';

interface Request {
  readonly space: 'global' | 'shared';
  readonly access: Access;
  readonly bytes: number;
  readonly addresses: number[];
  readonly lanes: number[];
}

const SECTOR = 32;
const BANKS = 32;

const CLASSES: readonly (readonly [string, RegExp])[] = [
  ['global memory', /^(ld|st|atom|red)\..*global/],
  ['shared memory', /^(ld|st|atom|red)\..*shared|^(ldmatrix|stmatrix)/],
  ['other memory', /^(ld|st|atom|red|ldu)\b/],
  ['asynchronous copy', /^(cp|mbarrier)\b/],
  ['matrix', /^(mma|movmatrix)/],
  ['warp', /^(shfl|vote|match|redux|elect|activemask|bar\.warp)/],
  ['barrier', /^(bar|barrier|fence|membar|griddepcontrol)\b/],
  ['conversion', /^cvt\b/],
  ['special function', /^(ex2|lg2|sin|cos|tanh|rcp|rsqrt|sqrt|div\..*f\d)/],
  ['float', /^(add|sub|mul|fma|mad|min|max|neg|abs|copysign|testp)\..*(f16|bf16|f32|f64)/],
  ['comparison and selection', /^(setp|set|selp|slct)\b/],
  ['move', /^(mov|prmt|cvta|mapa)\b/],
];

function classOf(opcode: string, modifiers: readonly string[]): string {
  const text = [opcode, ...modifiers].join('.');
  return CLASSES.find(([, form]) => form.test(text))?.[0] ?? 'integer';
}

export class Profiler {
  /** How often each thread came to each block: `visits[block * capacity + g]`. */
  readonly visits: Int32Array;
  barriers = 0;
  readonly #classes: readonly string[];
  readonly #ofBlock: readonly (readonly number[])[];
  #issued = new Map<string, number>();
  readonly #times: Int32Array;
  readonly #requests = new Map<string, Request>();
  #global = { load: globals(), store: globals(), atomic: globals() };
  #shared = { load: shareds(), store: shareds(), atomic: shareds() };
  #issues = 0;
  #active = 0;
  #blocks = 0;

  constructor(
    readonly program: Program,
    readonly capacity: number,
    readonly threadStride: number,
  ) {
    this.visits = new Int32Array(program.blocks.length * capacity);
    this.#times = new Int32Array(program.instructions.length * capacity);
    this.#classes = program.instructions.map(({ opcode, modifiers }) => classOf(opcode, modifiers));
    this.#ofBlock = program.blocks.map(({ operations }) => [
      ...new Set(operations.map(({ instruction }) => instruction)),
    ]);
  }

  access(
    space: Request['space'],
    access: Access,
    address: number,
    bytes: number,
    g: number,
    instruction: number,
  ): void {
    const time = this.#times[instruction * this.capacity + g]!++;
    const key = `${instruction} ${g >> 5} ${time}`;
    let request = this.#requests.get(key);
    if (!request) {
      request = { space, access, bytes, addresses: [], lanes: [] };
      this.#requests.set(key, request);
    }
    request.addresses.push(address);
    request.lanes.push(g & 31);
  }

  /** A CTA has ended: its visits and requests are summed up. */
  ended(slot: number): void {
    this.#blocks++;
    const base = slot * this.threadStride;
    for (let block = 0; block < this.#ofBlock.length; block++) {
      const at = block * this.capacity + base;
      for (let warp = 0; warp < this.threadStride; warp += 32) {
        let most = 0;
        let all = 0;
        for (let lane = 0; lane < 32; lane++) {
          const n = this.visits[at + warp + lane]!;
          most = Math.max(most, n);
          all += n;
        }
        if (most === 0) continue;
        for (const instruction of this.#ofBlock[block]!) {
          const name = this.#classes[instruction]!;
          this.#issued.set(name, (this.#issued.get(name) ?? 0) + most);
          this.#issues += most;
          this.#active += all;
        }
      }
      this.visits.fill(0, at, at + this.threadStride);
    }
    for (let n = 0; n < this.program.instructions.length; n++)
      this.#times.fill(0, n * this.capacity + base, n * this.capacity + base + this.threadStride);
    const first = base >> 5;
    const last = first + (this.threadStride >> 5);
    for (const [key, request] of this.#requests) {
      const warp = Number(key.split(' ')[1]);
      if (warp < first || warp >= last) continue;
      this.#requests.delete(key);
      if (request.space === 'global') countGlobal(this.#global[request.access], request);
      else countShared(this.#shared[request.access], request);
    }
  }

  /** Starts anew, for the next launch. */
  reset(): void {
    this.#issued = new Map();
    this.#global = { load: globals(), store: globals(), atomic: globals() };
    this.#shared = { load: shareds(), store: shareds(), atomic: shareds() };
    this.#issues = 0;
    this.#active = 0;
    this.#blocks = 0;
    this.barriers = 0;
  }

  result(): Profile {
    return {
      instructions: Object.fromEntries([...this.#issued].sort(([, a], [, b]) => b - a)),
      activeLanes: this.#issues === 0 ? 1 : this.#active / (32 * this.#issues),
      global: this.#global,
      shared: this.#shared,
      barriers: this.barriers,
      blocks: this.#blocks,
    };
  }
}

function globals() {
  return { requests: 0, bytes: 0, sectors: 0 };
}

function shareds() {
  return { requests: 0, bytes: 0, passes: 0, conflicts: 0 };
}

function countGlobal(traffic: ReturnType<typeof globals>, { addresses, bytes }: Request): void {
  const sectors = new Set<number>();
  for (const address of addresses)
    for (let at = Math.floor(address / SECTOR); at * SECTOR < address + bytes; at++) sectors.add(at);
  traffic.requests++;
  traffic.bytes += addresses.length * bytes;
  traffic.sectors += sectors.size;
}

/** Wide accesses go in phases: 8 bytes by half warps, 16 by quarters. Words that lanes share cost nothing. */
function countShared(traffic: ReturnType<typeof shareds>, { addresses, lanes, bytes }: Request): void {
  const phases = bytes <= 4 ? 1 : bytes / 4;
  traffic.requests++;
  traffic.bytes += addresses.length * bytes;
  for (let phase = 0; phase < phases; phase++) {
    const banks = Array.from({ length: BANKS }, () => new Set<number>());
    addresses.forEach((address, n) => {
      if (Math.floor((lanes[n]! * phases) / 32) !== phase) return;
      for (let word = address >>> 2; word * 4 < address + bytes; word++) banks[word % BANKS]!.add(word);
    });
    const passes = Math.max(...banks.map((words) => words.size));
    if (passes === 0) continue;
    traffic.passes += passes;
    traffic.conflicts += passes - 1;
  }
}
