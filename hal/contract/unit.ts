/** Units a journaled value may carry (FORMATS: body of `reading`); `1` is a pure number such as a power factor. */
export const UNITS = ['Wh', 'W', 'varh', 'var', 'VAh', 'VA', 'A', 'V', 'Hz', '1'] as const;
export type Unit = (typeof UNITS)[number];
