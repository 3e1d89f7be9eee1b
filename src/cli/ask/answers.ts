import type { Command } from '../../remote/index.ts';
import { print, printJson } from '../output.ts';
import { ProgressLine } from '../progress-line.ts';
import type { Asking } from './ask.ts';
import {
  doctorText,
  frameText,
  journalText,
  logLevelText,
  readingText,
  syncProgress,
  syncText,
  traceEndText,
  watchText,
  type Paint,
} from './answer-text.ts';
import { showProof, writeReceipt } from './ask-evidence.ts';
import { told, toldList, type Told } from './told.ts';

/** Shows one answer. */
export interface Shower {
  /** Each part, as soon as its turn has come. */
  readonly part?: (result: object) => void;
  /** All parts. Resolves with whether what was asked about is good. */
  end(results: readonly object[]): Promise<boolean>;
}

const ANSI = { good: 32, warning: 33, bad: 31, dim: 2 } as const;
const colours: Paint = (style, text) => `\x1b[${ANSI[style]}m${text}\x1b[0m`;
const plain: Paint = (_style, text) => text;

export function showerOf(command: Command, asking: Asking, output: string | undefined): Shower {
  const { station, isJson } = asking;
  const hasColours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const paint = hasColours ? colours : plain;
  const whole = (
    text: (document: Told) => string[],
    isGood = (_document: Told): boolean => true,
  ): Shower => ({
    end: async (results) => {
      const document = lastOf(results);
      if (isJson) printJson(document);
      else text(document).forEach(print);
      return isGood(document);
    },
  });
  switch (command.name) {
    case 'doctor':
      return doctorShower(station, isJson, paint);
    case 'meter read':
      return whole(readingText);
    case 'meter trace':
      return traceShower(isJson, paint);
    case 'meter watch':
      return whole((document) => watchText(document, station, command.parameters.forMs));
    case 'journal stat':
      return whole(journalText);
    case 'sync now':
      return syncShower(isJson, paint);
    case 'log level':
      return whole((document) => logLevelText(document, station, command.parameters.forMs));
    case 'journal proof':
      return { end: (results) => showProof(lastOf(results), command.parameters, { asking, output }) };
    case 'journal receipt':
      return { end: (results) => writeReceipt(results.map(told), command.parameters, { asking, output }) };
    case 'journal entries':
      throw new TypeError('entries are fetched, not answered');
  }
}

/** Each part has the whole document, and a part of the items. */
function doctorShower(station: string, isJson: boolean, paint: Paint): Shower {
  return {
    end: async (results) => {
      const items = results.flatMap((result) => toldList(told(result)['items']));
      const document = { ...lastOf(results), items };
      if (isJson) printJson(document);
      else doctorText(document, station, paint).forEach(print);
      return lastOf(results)['state'] !== 'fault';
    },
  };
}

function traceShower(isJson: boolean, paint: Paint): Shower {
  return {
    part: (result) => {
      for (const frame of toldList(told(result)['frames']))
        if (isJson) printJson(frame);
        else frameText(frame, paint).forEach(print);
    },
    end: async (results) => {
      const last = lastOf(results);
      // Its frames were shown with the others.
      if (isJson) printJson({ ...last, frames: undefined });
      else traceEndText(last, paint).forEach(print);
      return told(last['reading'])['ok'] !== false;
    },
  };
}

function syncShower(isJson: boolean, paint: Paint): Shower {
  const line = new ProgressLine();
  return {
    part: (result) => {
      const progress = syncProgress(told(result));
      if (progress !== undefined) line.show(progress, progress);
    },
    end: async (results) => {
      line.clear();
      const { lines, isGood } = syncText(lastOf(results), paint);
      if (isJson) printJson(lastOf(results));
      else lines.forEach(print);
      return isGood;
    },
  };
}

function lastOf(results: readonly object[]): Told {
  return told(results.at(-1));
}
