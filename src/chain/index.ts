export * from './anchor-evidence.ts';
export * from './errors.ts';
