// With every lie.
process.env['SYNC_LONG'] = '1';
await import('../fault/sync/rpc-lies.test.ts');
