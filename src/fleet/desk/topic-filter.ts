/** Whether a topic fits a filter (MQTT 5 §4.7): `+` is one level, `#` at the end any number of them, the parent included. */
export function fitsFilter(topic: string, filter: string): boolean {
  const levels = topic.split('/');
  const wanted = filter.split('/');
  // §4.7.2: topics of the broker's own are asked for by name.
  if (topic.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false;
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false;
  }
  return levels.length === wanted.length;
}
