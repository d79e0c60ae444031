// Python's \s, which is not JavaScript's, and U+2581, which SentencePiece writes for a space.
export const SPACES = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const SPACE = new RegExp(`[${SPACES}\\u2581]+`, 'g');
const CONTROLS = /[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]+/g;
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Unicode NFC, without control characters, whitespace collapsed; see shared/text/normalize.py. */
export function normalize(text: string): string {
  const clean = text.replace(LONE, '\ufffd').replace(CONTROLS, '');
  return clean.normalize('NFC').replace(SPACE, ' ').replace(/^ +| +$/g, '');
}
