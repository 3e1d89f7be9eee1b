import { printJson, printTable, note } from '../output.ts';
import { FORMS } from './ask-request.ts';

/** The commands, and what a key of operators needs for each. */
export async function listCommands(isJson: boolean): Promise<void> {
  const { COMMANDS } = await import('../../remote/index.ts');
  const names = Object.keys(FORMS) as (keyof typeof FORMS)[];
  const list = names.map((name) => ({ command: name, usage: FORMS[name].usage, needs: COMMANDS[name] }));
  if (isJson) return printJson(list);
  printTable(
    ['COMMAND', 'NEEDS'],
    list.map(({ usage, needs }) => [usage, needs]),
  );
  note('\ndelmonicos ask STATION COMMAND --broker URL --key FILE; act includes read');
}
