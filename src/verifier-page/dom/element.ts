import { harmless } from '../strangers-text.ts';

type Child = Node | string | undefined;

const SVG = 'http://www.w3.org/2000/svg' as const;

/**
 * An element with attributes and children. Texts become text nodes: nothing that a file says is ever markup, and nothing in it is
 * invisible.
 */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  return filled(document.createElement(name), attributes, children);
}

export function svgElement<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Name] {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled<E extends Element>(
  made: E,
  attributes: Readonly<Record<string, string | number>>,
  children: readonly Child[],
): E {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  const given = children.filter((child) => child !== undefined);
  made.append(...given.map((child) => (typeof child === 'string' ? seen(child) : child)));
  return made;
}

/** Our own isolates around a value of another writing direction stay. */
function seen(text: string): string {
  return text.replace(/[^\u2068\u2069]+/gu, harmless);
}
