/** Seeded mutations of spec texts: characters, tokens, fields, lines, and strings that would be code if they got through. */

export const MARKER = 'PWNED';

const PAYLOADS = [
  `"); ${MARKER}() #`,
  `'''\n${MARKER}()\n'''`,
  `"""${MARKER}()"""`,
  `{{${MARKER}}}`,
  `{{{${MARKER}}}}`,
  `\${${MARKER}}`,
  `$(${MARKER})`,
  '`' + MARKER + '`',
  `../../${MARKER}`,
  `\\n${MARKER}()`,
  `\\u000a${MARKER}()`,
  `\u2028${MARKER}()`,
  `__import__('os').system('${MARKER}')`,
  `a\r\n${MARKER}()`,
  `*/ ${MARKER}() /*`,
  `\u202e${MARKER}`,
];
const TOKENS = [
  'dynamic',
  'static',
  'bf16',
  'e4m3',
  'f32',
  'hidden',
  'tokens',
  'out',
  'in',
  'sum',
  'mean',
  '[',
  ']',
  '(',
  ')',
  '{',
  '}',
  ':',
  ',',
  '=',
  '+',
  '-',
  '*',
  '/',
  '%',
  '0',
  '1',
  '-1',
  '1e999',
  '9007199254740993',
  'select',
  'where',
  'by',
  'inout',
  '[tokens: 0]',
  '[two: 1 - two]',
  '[hidden: hidden]',
  '&a',
  '*a',
  '!!js',
  '|',
  '>',
  '#',
  '~',
  'null',
  'true',
];

/** A small deterministic generator (mulberry32): the same seed gives the same mutants. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function mutate(text: string, random: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const at = Math.floor(random() * (text.length + 1));
  const lines = text.split('\n');
  const line = Math.floor(random() * lines.length);
  const words = [...text.matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)];
  const word = pick(words);
  const replaceWord = (by: string) =>
    text.slice(0, word.index) + by + text.slice(word.index + word[0].length);
  switch (Math.floor(random() * 11)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 3));
    case 1:
      return text.slice(0, at) + pick(TOKENS) + text.slice(at);
    case 2:
      return text.slice(0, at) + pick(PAYLOADS) + text.slice(at);
    case 3:
      return replaceWord(pick(PAYLOADS));
    case 4:
      return replaceWord(pick(TOKENS));
    case 5:
      return replaceWord(pick(words)[0]);
    case 6:
      return lines.filter((_, i) => i !== line).join('\n');
    case 7:
      return [...lines.slice(0, line), lines[line]!, ...lines.slice(line)].join('\n');
    case 8:
      return text.replace(/^doc:.*$/m, `doc: ${JSON.stringify(`a ${pick(PAYLOADS)} b`)}`);
    case 9:
      return text.replace(/^(kernel: ).*$/m, `$1${JSON.stringify(pick(PAYLOADS))}`);
    default:
      return text.slice(0, at) + String.fromCodePoint(Math.floor(random() * 0x2fff)) + text.slice(at);
  }
}
