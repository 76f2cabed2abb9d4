import { describe, expect, test } from '@jest/globals';
import { BF16, E4M3, E5M2, F16, narrow, widen } from '../../../src/sim/index.js';
import { decode, dtypeBytes, encode } from '../../../src/runtime/index.js';

const FORMATS = { bf16: BF16, f16: F16, e4m3: E4M3, e5m2: E5M2 } as const;

describe.each(Object.entries(FORMATS))('%s', (dtype, format) => {
  const count = 2 ** format.bits;
  const bytes = new Uint8Array(count * dtypeBytes(dtype));
  const view = new DataView(bytes.buffer);
  for (let code = 0; code < count; code++) {
    if (format.bits === 16) view.setUint16(2 * code, code, true);
    else view.setUint8(code, code);
  }

  test('every code decodes to its value and back', () => {
    const values = decode(dtype, bytes);
    expect([...values]).toEqual(Array.from({ length: count }, (_, code) => widen(code, format)));
    const again = decode(dtype, encode(dtype, values));
    expect([...again]).toEqual([...values]);
  });

  test('numbers between two codes round as the hardware does', () => {
    const word = new DataView(new ArrayBuffer(4));
    const numbers = Array.from({ length: 20_000 }, (_, i) => {
      word.setUint32(0, (i * 214_013 * 1_001) >>> 0);
      return word.getFloat32(0);
    }).filter((value) => Number.isFinite(value));
    expect(numbers.length).toBeGreaterThan(19_000);
    const expected = numbers.map((value) => {
      word.setFloat32(0, value);
      return widen(narrow(word.getInt32(0), format, 'rn', dtype === 'e4m3'), format);
    });
    expect([...decode(dtype, encode(dtype, numbers))]).toEqual(expected);
  });
});

test('integers and wider floats', () => {
  const round = (dtype: string, values: number[]) => [...decode(dtype, encode(dtype, values))];
  expect(round('i64', [-(2 ** 40), 5])).toEqual([-(2 ** 40), 5]);
  expect(round('u64', [2 ** 52])).toEqual([2 ** 52]);
  expect(round('i32', [-1, 2 ** 31 - 1])).toEqual([-1, 2 ** 31 - 1]);
  expect(round('u32', [2 ** 32 - 1])).toEqual([2 ** 32 - 1]);
  expect(round('i16', [-5])).toEqual([-5]);
  expect(round('u16', [65_535])).toEqual([65_535]);
  expect(round('i8', [-128, 127])).toEqual([-128, 127]);
  expect(round('u8', [255])).toEqual([255]);
  expect(round('f64', [Math.PI])).toEqual([Math.PI]);
  expect(round('f32', [0.1])).toEqual([Math.fround(0.1)]);
  expect(() => dtypeBytes('f12')).toThrow(expect.objectContaining({ code: 'USAGE', actual: 'f12' }));
});
