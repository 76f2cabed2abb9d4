/** Takes the longest of a queue out of it: it takes longest to do, and begun last it would be alone at the end. */
export function takeLongest<T>(queue: T[], lengthOf: (each: T) => number): T {
  const lengths = queue.map(lengthOf);
  return queue.splice(lengths.indexOf(Math.max(...lengths)), 1)[0]!;
}
