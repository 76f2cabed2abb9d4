/**
 * Cubin -> what each kernel in it uses and how its parameters lie.
 *
 * A cubin is an ELF file of machine 190 (EM_CUDA). The attributes of section `.nv.info` (registers, stack) and of
 * `.nv.info.KERNEL` (parameters, block size, annotations of instructions) say what is wanted; the sections
 * `.nv.shared.KERNEL` and `.text.KERNEL` give shared memory and code. Checked against what `ptxas -v` 12.9 prints.
 */

import { invalidCubin, readElf, Reader, STB_GLOBAL, STT_FUNC, type ElfFile, type ElfSection } from './elf.js';

export interface Cubin {
  /** Architecture the code is for: 90 for sm_90 and sm_90a alike. */
  readonly sm: number;
  readonly kernels: readonly CubinKernel[];
}

export interface CubinKernel {
  /** Symbol of the entry. */
  readonly name: string;
  /** Registers a thread. */
  readonly registers: number;
  /** Bytes of stack a thread: local arrays and spilled registers. */
  readonly localBytes: number;
  /** Bytes a thread stores and loads to spill registers, as `ptxas -v` counts them. */
  readonly spillStoreBytes: number;
  readonly spillLoadBytes: number;
  /** Static shared memory of a CTA in bytes, without what the driver reserves. */
  readonly staticSharedBytes: number;
  /** Block size the code was compiled for (`.reqntid`), or undefined where it was left open. */
  readonly requiredBlock: readonly [number, number, number] | undefined;
  /** Bytes of the whole parameter buffer. */
  readonly paramBytes: number;
  /** In order of the kernel's arguments. */
  readonly params: readonly CubinParam[];
  readonly codeBytes: number;
}

export interface CubinParam {
  readonly index: number;
  /** Offset and size in the parameter buffer, in bytes. */
  readonly offset: number;
  readonly size: number;
}

const EM_CUDA = 190;

/** Formats of an attribute: no value, one byte, two bytes, or a size followed by that many bytes. */
const FORMAT_SIZED = 4;

/** Attributes of `.nv.info`, by the names that NVIDIA's tools print. */
const EIATTR_PARAM_CBANK = 0x0a;
const EIATTR_REQNTID = 0x10;
const EIATTR_FRAME_SIZE = 0x11;
const EIATTR_KPARAM_INFO = 0x17;
const EIATTR_CBANK_PARAM_SIZE = 0x19;
const EIATTR_REGCOUNT = 0x2f;
/** As KPARAM_INFO, for kernels with a parameter too large for its size field. */
const EIATTR_KPARAM_INFO_V2 = 0x45;
const EIATTR_ANNOTATIONS = 0x55;

/** Annotation of an instruction that spills a register or fills it again. */
const ANNOTATION_SPILL = 1;

/** From sm_90 on, `.nv.shared.KERNEL` includes what the driver reserves; this section says that it does. */
const RESERVED_SHARED_SECTION = '.nv.shared.reserved.0';
const RESERVED_SHARED_BYTES = 1024;

interface Attribute {
  readonly id: number;
  /** The value of a sized attribute; empty for the others. */
  readonly data: Reader;
  /** The value of an unsized attribute. */
  readonly value: number;
}

/** Raises CUBIN_INVALID for anything but a whole cubin. */
export function readCubin(bytes: Uint8Array): Cubin {
  const elf = readElf(bytes);
  if (elf.machine !== EM_CUDA) throw invalidCubin(`ELF machine ${elf.machine}`, `machine ${EM_CUDA} (CUDA)`);
  const sections = new Map(elf.sections.map((section) => [section.name, section]));
  const entries = elf.symbols.flatMap((symbol, index) =>
    symbol.kind === STT_FUNC && symbol.binding === STB_GLOBAL && sections.has(`.nv.info.${symbol.name}`)
      ? [{ name: symbol.name, index }]
      : [],
  );
  if (entries.length === 0) throw invalidCubin('no kernel in it', 'at least one entry');
  const shared = readAttributes(sections.get('.nv.info'));
  return {
    sm: readSm(elf),
    kernels: entries.map(({ name, index }) => readKernel(name, index, shared, sections)),
  };
}

/** The flags hold the architecture: in the lowest byte up to ABI version 7, a byte further up from version 8 on. */
function readSm(elf: ElfFile): number {
  return elf.abiVersion >= 8 ? (elf.flags >>> 8) & 0xffff : elf.flags & 0xff;
}

function readKernel(
  name: string,
  symbol: number,
  shared: readonly Attribute[],
  sections: ReadonlyMap<string, ElfSection>,
): CubinKernel {
  const own = readAttributes(sections.get(`.nv.info.${name}`));
  const code = sections.get(`.text.${name}`);
  if (!code) throw invalidCubin(`no code of ${name}`, `a section .text.${name}`);
  /** Attributes of `.nv.info` are pairs: symbol, value. */
  const ofSymbol = (id: number): number | undefined =>
    shared.find((attribute) => attribute.id === id && attribute.data.u32(0) === symbol)?.data.u32(4);
  const registers = ofSymbol(EIATTR_REGCOUNT);
  if (registers === undefined) throw invalidCubin(`no register count of ${name}`, 'one a kernel');
  const block = own.find((attribute) => attribute.id === EIATTR_REQNTID)?.data;
  const spills = readSpills(own, new Reader(code.data, `the code of ${name}`));
  const sharedSize = sections.get(`.nv.shared.${name}`)?.size ?? 0;
  const reserved = sharedSize > 0 && sections.has(RESERVED_SHARED_SECTION) ? RESERVED_SHARED_BYTES : 0;
  return {
    name,
    registers,
    localBytes: ofSymbol(EIATTR_FRAME_SIZE) ?? 0,
    spillStoreBytes: spills.stores,
    spillLoadBytes: spills.loads,
    staticSharedBytes: Math.max(0, sharedSize - reserved),
    requiredBlock: block && [block.u32(0), block.u32(4), block.u32(8)],
    paramBytes: readParamBytes(own),
    params: readParams(own),
    codeBytes: code.size,
  };
}

/** PARAM_CBANK is (symbol, offset | size << 16) of the parameters in constant bank 0. */
function readParamBytes(attributes: readonly Attribute[]): number {
  const size = attributes.find((attribute) => attribute.id === EIATTR_CBANK_PARAM_SIZE);
  if (size) return size.value;
  const bank = attributes.find((attribute) => attribute.id === EIATTR_PARAM_CBANK);
  return bank ? bank.data.u32(4) >>> 16 : 0;
}

/** KPARAM_INFO is (0, ordinal | offset << 16, flags | size << 18); its second version ends with the size alone. */
function readParams(attributes: readonly Attribute[]): readonly CubinParam[] {
  const params = attributes.flatMap(({ id, data }): CubinParam[] => {
    if (id !== EIATTR_KPARAM_INFO && id !== EIATTR_KPARAM_INFO_V2) return [];
    const place = data.u32(4);
    const last = data.u32(8);
    return [
      { index: place & 0xffff, offset: place >>> 16, size: id === EIATTR_KPARAM_INFO ? last >>> 18 : last },
    ];
  });
  return params.sort((a, b) => a.index - b.index);
}

/**
 * ANNOTATIONS is a list of pairs (kind, byte offset of an instruction). Instructions are 16 bytes; the low 12 bits
 * hold the operation, bits 73 to 75 the width of a memory access.
 */
function readSpills(attributes: readonly Attribute[], code: Reader): { stores: number; loads: number } {
  const spills = { stores: 0, loads: 0 };
  for (const { id, data } of attributes) {
    if (id !== EIATTR_ANNOTATIONS) continue;
    for (let at = 0; at + 8 <= data.length; at += 8) {
      if (data.u32(at) !== ANNOTATION_SPILL) continue;
      const instruction = data.u32(at + 4);
      const kind = SPILL_OPERATIONS.get(code.u32(instruction) & 0xfff);
      if (kind) spills[kind] += ACCESS_BYTES[(code.u32(instruction + 8) >>> 9) & 7] ?? 0;
    }
  }
  return spills;
}

/** Memory operations that can spill: STL, STS, LDL, LDS. A register moved to another register is no spill. */
const SPILL_OPERATIONS: ReadonlyMap<number, 'stores' | 'loads'> = new Map([
  [0x387, 'stores'],
  [0x388, 'stores'],
  [0x983, 'loads'],
  [0x984, 'loads'],
]);
const ACCESS_BYTES = [1, 1, 2, 2, 4, 8, 16];

function readAttributes(section: ElfSection | undefined): readonly Attribute[] {
  if (!section) return [];
  const reader = new Reader(section.data, section.name);
  const attributes: Attribute[] = [];
  for (let at = 0; at < reader.length;) {
    const format = reader.u8(at);
    const id = reader.u8(at + 1);
    const value = reader.u16(at + 2);
    const size = format === FORMAT_SIZED ? value : 0;
    attributes.push({
      id,
      value,
      data: new Reader(reader.slice(at + 4, size), `attribute ${id} of ${section.name}`),
    });
    at += 4 + size;
  }
  return attributes;
}
