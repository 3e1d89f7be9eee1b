/** Longest name that is compared: what somebody announces under a longer one is nobody's station. */
const MAX_CHARACTERS = 200;

/** The names that whoever typed one may have meant: those that differ by little, the nearest first. Pure. */
export function nearNames(typed: string, seen: Iterable<string>, most = 3): string[] {
  const wanted = typed.toLowerCase();
  // A third of it may be wrong: with more, every name is near.
  const bound = Math.max(1, Math.floor(wanted.length / 3));
  return [...seen]
    .filter((name) => name.length <= MAX_CHARACTERS)
    .map((name) => {
      const other = name.toLowerCase();
      const holdsIt = wanted.length > 2 && other.includes(wanted);
      return { name, distance: holdsIt ? 0.5 : distance(wanted, other, bound) };
    })
    .filter((one) => one.distance <= bound)
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map((one) => one.name);
}

/** Levenshtein's distance: characters to insert, delete or exchange; `bound + 1` stands for more than the bound. */
function distance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(exchanged, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? bound + 1;
}
