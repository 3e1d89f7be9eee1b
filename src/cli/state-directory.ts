/** DIR of the command line: as given, otherwise what systemd gave the service, otherwise ./state. */
export function stateDirectory(given: string | undefined): string {
  const service = process.env['STATE_DIRECTORY'];
  // systemd separates several directories by colons (systemd.exec(5)); the first is the unit's main one.
  const [first = ''] = (service ?? '').split(':');
  return given ?? (first === '' ? './state' : first);
}
