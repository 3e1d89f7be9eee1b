import { duration, kilowatts } from '../figures.ts';
import type { CurvePoint, PowerCurve } from '../power-curve.ts';
import { phrase, say, type Language, type Words } from '../words/words.ts';
import { element, svgElement } from './element.ts';

const HEIGHT = 220;
const MARGIN = { top: 16, right: 14, bottom: 28, left: 48 };
/** Wide enough for the labels of the axis; a narrower screen scrolls nothing, the picture is drawn for it. */
const MIN_WIDTH = 260;

/** The picture, drawn anew for the width it gets: text keeps its size on a phone. */
export function curveView(curve: PowerCurve, words: Words, language: Language): HTMLElement {
  const holder = element('div', { class: 'curve-holder' });
  const draw = (): void => {
    const width = Math.max(MIN_WIDTH, holder.clientWidth || 720);
    holder.replaceChildren(drawing(curve, width, words, language));
  };
  new ResizeObserver(draw).observe(holder);
  const notes = [say(words, phrase(curve.source === 'measured' ? 'curve.measured' : 'curve.derived'))];
  if (curve.gaps.length > 0) notes.push(say(words, phrase('curve.gaps')));
  return element('figure', { class: 'curve' }, holder, element('figcaption', {}, notes.join(' ')));
}

interface Scale {
  readonly x: (atMs: number) => number;
  readonly y: (watts: number) => number;
  readonly width: number;
}

function drawing(curve: PowerCurve, width: number, words: Words, language: Language): SVGElement {
  const ticks = wattTicks(curve);
  const [low, high] = [ticks[0]!, ticks.at(-1)!];
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const scale: Scale = {
    width,
    x: (atMs) => MARGIN.left + (inner.width * atMs) / Math.max(1, curve.durationMs),
    y: (watts) => MARGIN.top + inner.height * (1 - (watts - low) / (high - low)),
  };
  const label = say(
    words,
    phrase('curve.label', { max: kilowatts(curve.maxWatts, language), duration: duration(curve.durationMs) }),
  );
  return svgElement(
    'svg',
    { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: 'img', 'aria-label': label },
    hatching(),
    ...wattAxis(ticks, scale, language),
    ...timeAxis(curve.durationMs, scale),
    ...curve.gaps.map((gap) => gapArea(gap, scale, low, high)),
    ...curve.lines.flatMap((line) => [
      svgElement('path', { class: 'area', d: areaPath(line, scale, Math.max(0, low)) }),
      svgElement('path', { class: 'line', d: linePath(line, scale) }),
    ]),
  );
}

function hatching(): SVGElement {
  const line = svgElement('path', { class: 'hatch', d: 'M0 8L8 0' });
  const pattern = { id: 'hatch', width: 8, height: 8, patternUnits: 'userSpaceOnUse' };
  return svgElement('defs', {}, svgElement('pattern', pattern, line));
}

function gapArea(
  { fromMs, toMs }: { fromMs: number; toMs: number },
  { x, y }: Scale,
  low: number,
  high: number,
): SVGElement {
  const [left, top] = [x(fromMs), y(high)];
  return svgElement('rect', {
    class: 'gap',
    x: left,
    y: top,
    width: Math.max(1, x(toMs) - left),
    height: y(low) - top,
    fill: 'url(#hatch)',
  });
}

function wattAxis(ticks: readonly number[], { y, width }: Scale, language: Language): SVGElement[] {
  return ticks.flatMap((watts, i) => {
    const at = y(watts);
    const unit = i === ticks.length - 1 ? ' kW' : '';
    const number = String(Number((watts / 1000).toFixed(3)));
    return [
      svgElement('path', { class: 'grid', d: `M${MARGIN.left} ${at}H${width - MARGIN.right}` }),
      svgElement(
        'text',
        { class: 'tick', x: MARGIN.left - 6, y: at + 4, 'text-anchor': 'end' },
        `${language === 'de' ? number.replace('.', ',') : number}${unit}`,
      ),
    ];
  });
}

function timeAxis(durationMs: number, { x, width }: Scale): SVGElement[] {
  const stepMs = timeStep(durationMs, (width - MARGIN.left - MARGIN.right) / 70);
  const ticks = [];
  for (let atMs = 0; atMs <= durationMs; atMs += stepMs) {
    const at = { class: 'tick', x: x(atMs), y: HEIGHT - 8, 'text-anchor': atMs === 0 ? 'start' : 'middle' };
    ticks.push(
      svgElement('path', { class: 'mark', d: `M${x(atMs)} ${HEIGHT - MARGIN.bottom}v4` }),
      // The last label must stay inside of the picture.
      ...(x(atMs) > width - 24 ? [] : [svgElement('text', at, clockLabel(atMs, stepMs))]),
    );
  }
  return ticks;
}

function clockLabel(atMs: number, stepMs: number): string {
  const seconds = Math.round(atMs / 1000);
  const [h, min, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (part: number): string => String(part).padStart(2, '0');
  return stepMs < 60_000 ? `${h * 60 + min}:${two(s)}` : `${h}:${two(min)} h`;
}

const NICE_STEPS_MS = [1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400].map(
  (seconds) => seconds * 1000,
);

function timeStep(durationMs: number, labels: number): number {
  const wanted = durationMs / Math.max(2, Math.floor(labels));
  return NICE_STEPS_MS.find((step) => step >= wanted) ?? Math.ceil(wanted / 86_400_000) * 86_400_000;
}

/** Four lines or so at round values, zero always among them. */
function wattTicks({ minWatts, maxWatts }: PowerCurve): number[] {
  const low = Math.min(0, minWatts);
  const high = Math.max(maxWatts, low + 100);
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough)!;
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

function linePath(line: readonly CurvePoint[], { x, y }: Scale): string {
  return line
    .map(({ atMs, watts }, i) => `${i === 0 ? 'M' : 'L'}${round(x(atMs))} ${round(y(watts))}`)
    .join('');
}

function areaPath(line: readonly CurvePoint[], scale: Scale, base: number): string {
  const [first, last] = [line[0]!, line.at(-1)!];
  const floor = round(scale.y(base));
  return `${linePath(line, scale)}L${round(scale.x(last.atMs))} ${floor}L${round(scale.x(first.atMs))} ${floor}Z`;
}

function round(pixels: number): string {
  return pixels.toFixed(1);
}
