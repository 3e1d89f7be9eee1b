/** DIR of the command line: as given, otherwise what systemd gave the service, otherwise ./state. */
export function stateDirectory(given: string | undefined): string {
  return given ?? process.env['STATE_DIRECTORY'] ?? './state';
}
