/** Trees of libvirt's XML: parsing, printing, and walking by element names. Knows nothing of what the elements mean. */
import { DOMParser, type Document, type Element, XMLSerializer } from '@xmldom/xmldom';

/** Throws if the text is not XML. */
export function parse(xml: string): Document {
  return new DOMParser({ onError: (level, message) => fail(level, message) }).parseFromString(xml, 'text/xml');
}

function fail(level: string, message: unknown): void {
  if (level !== 'warning') throw new Error(`libvirt's XML cannot be read: ${String(message)}`);
}

/** The outermost element. Throws if there is none. */
export function domainOf(document: Document): Element {
  if (document.documentElement === null) throw new Error("libvirt's XML has no content");
  return document.documentElement;
}

/** Elements of that name directly below, in order. */
export function children(parent: Element, name: string): Element[] {
  return Array.from(parent.childNodes).filter((node): node is Element => node.nodeName === name);
}

/** The first of them. */
export function child(parent: Element, name: string): Element | undefined {
  return children(parent, name)[0];
}

/** What is written in the first of them; empty where there is none. */
export function textOf(parent: Element, name: string): string {
  return child(parent, name)?.textContent ?? '';
}

/** The whole tree as text. */
export function print(document: Document): string {
  return new XMLSerializer().serializeToString(document);
}
