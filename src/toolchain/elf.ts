/**
 * Bytes of an ELF64 file -> sections and symbols.
 *
 * Every offset and size of the file is checked against its length before it is used, so damaged bytes raise
 * CUBIN_INVALID and nothing else.
 */

import { RoseError } from '../util/errors.js';

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  /** Bytes the section takes in memory; a NOBITS section has no data in the file. */
  readonly size: number;
  readonly data: Uint8Array;
  /** sh_link and sh_info, whose meaning depends on the type. */
  readonly link: number;
  readonly info: number;
}

export interface ElfSymbol {
  readonly name: string;
  readonly kind: number;
  readonly binding: number;
  /** Index of the section it lies in. */
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

export interface ElfFile {
  readonly machine: number;
  readonly flags: number;
  /** e_ident[EI_ABIVERSION]. */
  readonly abiVersion: number;
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
}

/** Symbol kinds and bindings of the ELF specification. */
export const STT_FUNC = 2;
export const STB_GLOBAL = 1;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;

const HEADER_BYTES = 64;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const MAGIC = [0x7f, 0x45, 0x4c, 0x46]; // 0x7f E L F
const CLASS_64_LITTLE_ENDIAN = [2, 1];

export function invalidCubin(actual: string, expected: string): RoseError {
  return new RoseError({
    code: 'CUBIN_INVALID',
    message: 'the cubin is damaged or is no cubin',
    actual,
    expected,
    next: 'build it again with `rose-gen build`',
  });
}

/** A window on bytes that refuses to read outside itself. */
export class Reader {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly what: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(offset: number): number {
    this.check(offset, 1);
    return this.view.getUint8(offset);
  }

  u16(offset: number): number {
    this.check(offset, 2);
    return this.view.getUint16(offset, true);
  }

  u32(offset: number): number {
    this.check(offset, 4);
    return this.view.getUint32(offset, true);
  }

  /** A 64-bit field as a number; one beyond 2^53 cannot lie in any file and becomes a failed check later on. */
  u64(offset: number): number {
    this.check(offset, 8);
    return Number(this.view.getBigUint64(offset, true));
  }

  slice(offset: number, size: number): Uint8Array {
    this.check(offset, size);
    return this.bytes.subarray(offset, offset + size);
  }

  /** A text that ends with a zero byte. */
  text(offset: number): string {
    this.check(offset, 1);
    const end = this.bytes.indexOf(0, offset);
    if (end < 0) throw invalidCubin(`a name without an end in ${this.what}`, 'a zero byte after each name');
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + offset, end - offset).toString('latin1');
  }

  private check(offset: number, size: number): void {
    if (offset + size > this.bytes.length || offset < 0 || size < 0) {
      throw invalidCubin(
        `${this.what} reaches to byte ${offset + size}`,
        `at most its ${this.bytes.length} bytes`,
      );
    }
  }
}

/** Raises CUBIN_INVALID for bytes that are no well-formed little-endian ELF64 file. */
export function readElf(bytes: Uint8Array): ElfFile {
  const file = new Reader(bytes, 'the file');
  if (
    bytes.length < HEADER_BYTES ||
    [...MAGIC, ...CLASS_64_LITTLE_ENDIAN].some((byte, i) => bytes[i] !== byte)
  ) {
    throw invalidCubin(`${bytes.length} bytes that do not begin as ELF`, 'a little-endian ELF64 file');
  }
  const headerOffset = file.u64(40);
  const headerSize = file.u16(58);
  const count = file.u16(60);
  const namesIndex = file.u16(62);
  if (headerSize !== SECTION_HEADER_BYTES) {
    throw invalidCubin(`section headers of ${headerSize} bytes`, `${SECTION_HEADER_BYTES} bytes`);
  }
  // Segments are for the driver to load; here they only have to be whole.
  file.slice(file.u64(32), file.u16(54) * file.u16(56));
  const headers = new Reader(file.slice(headerOffset, count * headerSize), 'the section table');
  if (namesIndex >= count) throw invalidCubin(`section ${namesIndex} for names`, `one of ${count} sections`);
  const names = new Reader(sectionData(file, headers, namesIndex), 'the section names');
  const sections = Array.from({ length: count }, (_, index): ElfSection => {
    const at = index * SECTION_HEADER_BYTES;
    return {
      index,
      name: names.text(headers.u32(at)),
      type: headers.u32(at + 4),
      size: headers.u64(at + 32),
      data: sectionData(file, headers, index),
      link: headers.u32(at + 40),
      info: headers.u32(at + 44),
    };
  });
  return {
    machine: file.u16(18),
    flags: file.u32(48),
    abiVersion: file.u8(8),
    sections,
    symbols: readSymbols(sections),
  };
}

function sectionData(file: Reader, headers: Reader, index: number): Uint8Array {
  const at = index * SECTION_HEADER_BYTES;
  const noBits = headers.u32(at + 4) === SHT_NOBITS;
  return file.slice(noBits ? 0 : headers.u64(at + 24), noBits ? 0 : headers.u64(at + 32));
}

function readSymbols(sections: readonly ElfSection[]): readonly ElfSymbol[] {
  const table = sections.find((section) => section.type === SHT_SYMTAB);
  if (!table) return [];
  const strings = sections[table.link];
  if (!strings)
    throw invalidCubin(`section ${table.link} for symbol names`, `one of ${sections.length} sections`);
  const names = new Reader(strings.data, 'the symbol names');
  const reader = new Reader(table.data, 'the symbol table');
  return Array.from({ length: Math.floor(table.data.length / SYMBOL_BYTES) }, (_, index): ElfSymbol => {
    const at = index * SYMBOL_BYTES;
    const info = reader.u8(at + 4);
    return {
      name: names.text(reader.u32(at)),
      kind: info & 0xf,
      binding: info >> 4,
      section: reader.u16(at + 6),
      value: reader.u64(at + 8),
      size: reader.u64(at + 16),
    };
  });
}
