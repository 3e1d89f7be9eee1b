// The same properties as in npm test, with many more cases.
process.env['SOAK_TORN_RUNS'] ??= '250';
await import('../fault/journal/torn-copies.test.ts');
