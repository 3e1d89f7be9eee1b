/** Names that could have been meant: those at a small distance (Levenshtein), or that contain the word; nearest first. */
export function nearestNames(word: string, names: readonly string[]): string[] {
  const wanted = word.toLowerCase();
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  return names
    .map((name) => {
      const candidate = name.toLowerCase();
      const contained = wanted.length > 2 && (candidate.includes(wanted) || wanted.includes(candidate));
      const distance = editDistance(wanted, candidate);
      return { name, distance: contained ? Math.min(distance, limit) : distance };
    })
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .map(({ name }) => name);
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
