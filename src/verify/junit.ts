/** Results -> JUnit XML, as CI systems read it: a suite a kernel, a test case a variant. */

import { formatVerdict } from './format.js';
import type { VariantResult } from './verify-build.js';

/** A kernel that is wrong is a failure; one that could not be run is an error. */
export function junitXml(results: readonly VariantResult[]): string {
  const kernels = [...new Set(results.map(({ variant }) => variant.kernel))].sort();
  const suites = kernels.map((kernel) =>
    suite(
      kernel,
      results.filter(({ variant }) => variant.kernel === kernel),
    ),
  );
  const attributes = `name="rose-gen verify" ${totals(results)}`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${attributes}>`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}

function suite(kernel: string, results: readonly VariantResult[]): string {
  return [
    `  <testsuite name="${escape(kernel)}" ${totals(results)}>`,
    ...results.map(testcase),
    '  </testsuite>',
  ].join('\n');
}

function totals(results: readonly VariantResult[]): string {
  const failures = results.filter(({ verdict }) => verdict?.passed === false).length;
  const errors = results.filter(({ error }) => error).length;
  const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
  return `tests="${results.length}" failures="${failures}" errors="${errors}" time="${seconds.toFixed(3)}"`;
}

function testcase({ variant, seconds, verdict, error }: VariantResult): string {
  const open = `    <testcase classname="${escape(variant.kernel)}" name="${escape(variant.id)}" time="${seconds.toFixed(3)}"`;
  const child = (tag: string, type: string, message: string, text: string): string =>
    `${open}>\n      <${tag} type="${type}" message="${escape(message)}">${escape(text)}</${tag}>\n    </testcase>`;
  if (error) return child('error', error.code, error.message, error.format({ verbose: true }));
  if (!verdict || verdict.passed) return `${open}/>`;
  const text = formatVerdict(verdict);
  const failed = verdict.cases.find(({ failures }) => failures.length > 0);
  return child('failure', failed?.failures[0]?.kind ?? 'value', text.split('\n')[1]?.trim() ?? text, text);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML text: markup escaped, line feeds of attributes kept, characters that XML 1.0 does not have replaced. */
function escape(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character]!)
    .replace(/\n/g, '&#10;')
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}');
}
