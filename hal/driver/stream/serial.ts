/** Whose telegram it is: `told` by the telegram, `only` this meter where one was named. Pure. */
export function judgedSerial(
  told: string | null,
  only: string | undefined,
): { readonly serial: string; readonly why?: never } | { readonly serial?: never; readonly why: string } {
  if (told === null) return only === undefined ? { why: 'it tells no serial number' } : { serial: only };
  if (only !== undefined && told !== only) return { why: `it is that of meter ${told}, and not of ${only}` };
  return { serial: told };
}
