import { bytes, FieldError, record, text, textOf, uint, type Field } from './cbor-field.ts';
import { COMMAND_OUTCOMES, type CommandBody } from './entry-types.ts';

const wire = record<CommandBody>({
  command: [1, text],
  operator: { optional: [2, text] },
  digest: [3, bytes(32)],
  outcome: [4, textOf(COMMAND_OUTCOMES, 'outcome of a command')],
  code: { optional: [5, text] },
  count: { optional: [6, uint] },
});

/** Body of a `command` (docs/formats.cddl: command-body): an accepted one names its operator, a refused one its reason. */
export const commandBody: Field<CommandBody> = {
  write: (body, to) => wire.write(coherent(body), to),
  decode: (value) => coherent(wire.decode(value)),
};

function coherent(body: CommandBody): CommandBody {
  const { outcome, operator, code, count } = body;
  if (outcome === 'accepted') {
    if (operator === undefined) throw new FieldError('is missing of an accepted command', 'operator');
    if (code !== undefined || count !== undefined) throw new FieldError('is for a refused command', 'code');
  } else {
    if (code === undefined) throw new FieldError('is missing of a refused command', 'code');
    if (count === 0) throw new FieldError('is not at least 1', 'count');
  }
  return body;
}
