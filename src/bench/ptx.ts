/**
 * Kernels of the bench's own, as PTX text that the driver compiles itself: what a device can do at best.
 *
 * `stream_*` move 16-byte vectors with as little beside them as can be; `empty` does nothing at all.
 */

export type StreamKind = 'read' | 'write' | 'copy';

/** Vectors of 16 bytes that a thread moves, and threads of a CTA. */
export interface StreamShape {
  readonly vectors: number;
  readonly threads: number;
}

export const STREAM_SHAPES: readonly StreamShape[] = [
  { vectors: 2, threads: 512 },
  { vectors: 4, threads: 256 },
  { vectors: 4, threads: 512 },
  { vectors: 4, threads: 1024 },
  { vectors: 8, threads: 256 },
  { vectors: 8, threads: 512 },
];

const header = (target: string): string => `.version 8.0\n.target ${target}\n.address_size 64\n`;

export const streamEntry = (kind: StreamKind, { vectors, threads }: StreamShape): string =>
  `stream_${kind}_${vectors}x${threads}`;

/** One kernel for each kind and shape. Each moves `vectors * threads * 16` bytes a CTA: parameters from, to. */
export function streamModule(target: string): string {
  const kinds: readonly StreamKind[] = ['read', 'write', 'copy'];
  return (
    header(target) +
    kinds.flatMap((kind) => STREAM_SHAPES.map((shape) => streamKernel(kind, shape))).join('\n')
  );
}

function streamKernel(kind: StreamKind, shape: StreamShape): string {
  const { vectors, threads } = shape;
  const each = Array.from({ length: vectors }, (_, i) => i);
  const at = (i: number): string => `+${i * threads * 16}`;
  const registers = (i: number): string => `{%a${4 * i}, %a${4 * i + 1}, %a${4 * i + 2}, %a${4 * i + 3}}`;
  const loads = each.map((i) => `ld.global.L1::no_allocate.v4.b32 ${registers(i)}, [%from${at(i)}];`);
  const zeros = each.flatMap((i) => [0, 1, 2, 3].map((j) => `mov.b32 %a${4 * i + j}, 0;`));
  const stores = each.map((i) => `st.global.L1::no_allocate.v4.b32 [%to${at(i)}], ${registers(i)};`);
  // What was read has to reach memory for all the compiler knows.
  const sum = [
    'mov.b32 %sum, 0;',
    ...each.flatMap((i) => [0, 1, 2, 3].map((j) => `xor.b32 %sum, %sum, %a${4 * i + j};`)),
    'setp.eq.b32 %rare, %sum, 0x5bd1e995;',
    '@%rare st.global.b32 [%to], %sum;',
  ];
  const body = { read: [...loads, ...sum], write: [...zeros, ...stores], copy: [...loads, ...stores] }[kind];
  return `.visible .entry ${streamEntry(kind, shape)}(.param .u64 from, .param .u64 to)
.maxntid ${threads}, 1, 1
{
.reg .pred %rare;
.reg .b32 %a<${4 * vectors}>, %t<3>, %sum;
.reg .b64 %from, %to, %at;
ld.param.u64 %from, [from];
ld.param.u64 %to, [to];
mov.u32 %t0, %ctaid.x;
mov.u32 %t1, %tid.x;
mul.wide.u32 %at, %t0, ${vectors * threads * 16};
add.s64 %from, %from, %at;
add.s64 %to, %to, %at;
mul.wide.u32 %at, %t1, 16;
add.s64 %from, %from, %at;
add.s64 %to, %to, %at;
${body.join('\n')}
ret;
}
`;
}

export const EMPTY_ENTRY = 'empty';

/** Does nothing; with dependent launch it waits for the kernel before it, as a kernel that reads its results does. */
export function emptyModule(target: string, dependentLaunch: boolean): string {
  const waits = dependentLaunch ? 'griddepcontrol.wait;\ngriddepcontrol.launch_dependents;\n' : '';
  return `${header(target)}.visible .entry ${EMPTY_ENTRY}() {\n${waits}ret;\n}\n`;
}
