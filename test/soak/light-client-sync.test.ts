// With the chapters that take long: peers lost, a warm start over a slow link, other voters.
process.env['SYNC_LONG'] = '1';
await import('../scenario/light-client-sync.test.ts');
