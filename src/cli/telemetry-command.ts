import type { Command } from 'commander';
import { print } from './output.ts';

export function registerTelemetryCommand(program: Command): void {
  const telemetry = program.command('telemetry').description('what a station publishes over MQTT');

  telemetry
    .command('contract')
    .description('prints the contract as an AsyncAPI 3.0 document: topics, messages, JSON Schemas')
    .action(async () => {
      const contract = await import('../../docs/asyncapi.json', { with: { type: 'json' } });
      print(JSON.stringify(contract.default, null, 2));
    });
}
