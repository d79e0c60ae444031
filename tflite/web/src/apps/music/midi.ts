/** MIDI files: reads what `melodyOf` needs, see apps/music/midi_file.py, and writes four voices. */
import {InputError} from '../../shared/errors';
import {sharps} from './key';
import {modulo, notesOf, VOICES} from './piece';
import type {Piece} from './piece';
import type {Bar, Note, Part, Sheet} from './sheet';

const DRUMS = 9;
const JITTER = 0.25; // in 16ths
const [END, NAME, TEMPO, METRE, KEY] = [0x2f, 0x03, 0x51, 0x58, 0x59];
const BYTES: Record<number, number> =
  {0x80: 2, 0x90: 2, 0xa0: 2, 0xb0: 2, 0xc0: 1, 0xd0: 1, 0xe0: 2};

interface Meta {
  time: number;
  kind: number;
  content: Uint8Array;
}

interface Played {
  start: number;
  end: number;
  midi: number;
}

interface Track {
  name: string;
  meta: Meta[];
  notes: Map<number, Played[]>; // by channel, in ticks
}

export function readMidi(data: Uint8Array): Sheet {
  const {division, tracks} = tracksOf(data);
  const scale = 4 / division; // 16ths in a tick
  const parts: Part[] = [];
  for (const track of tracks) {
    for (const [channel, played] of [...track.notes].sort(([a], [b]) => a - b)) {
      if (channel === DRUMS) continue;
      const notes = onGrid(played.map((n) => ({...n, start: n.start * scale, end: n.end * scale})));
      parts.push({name: track.notes.size === 1 ? track.name : '', notes});
    }
  }
  const meta = tracks.flatMap((track) => track.meta).sort((a, b) => a.time - b.time);
  const end = Math.max(0, ...parts.flatMap((part) => part.notes.map((note) => note.end)));
  const metres = meta.filter((m) => m.kind === METRE && m.content.length > 1)
    .map((m): [number, number, number] => [m.time * scale, m.content[0], m.content[1]]);
  const tempo = meta.find((m) => m.kind === TEMPO && m.content.length === 3)?.content;
  const [key, signature] = keyOf(meta, parts);
  return {
    parts,
    bars: barsOf(metres, end),
    key,
    signature,
    title: tracks.length === 1 || !tracks[0]?.notes.size ? tracks[0]?.name ?? '' : '',
    tempo: tempo ? Math.round(60e6 / ((tempo[0] << 16) | (tempo[1] << 8) | tempo[2])) : 0,
  };
}

function tracksOf(data: Uint8Array): {division: number; tracks: Track[]} {
  const number = (place: number, size: number) =>
    data.slice(place, place + size).reduce((value, byte) => value * 256 + byte, 0);
  const name = (place: number) => String.fromCharCode(...data.slice(place, place + 4));
  if (name(0) !== 'MThd' || data.length < 14) throw new InputError('it is no MIDI file, or cut off');
  const division = number(12, 2);
  if (number(8, 2) > 1) throw new InputError('MIDI files of type 2 have no common time');
  if (!division || division & 0x8000) throw new InputError('its time is in seconds, not in beats');
  const tracks: Track[] = [];
  for (let place = 8 + number(4, 4); place + 8 <= data.length; ) {
    const size = number(place + 4, 4);
    if (place + 8 + size > data.length) throw new InputError('it is cut off; export it again');
    if (name(place) === 'MTrk') tracks.push(trackOf(data.subarray(place + 8, place + 8 + size)));
    place += 8 + size;
  }
  return {division, tracks};
}

function trackOf(chunk: Uint8Array): Track {
  const track: Track = {name: '', meta: [], notes: new Map()};
  const sounding = new Map<number, Played[]>(); // by channel and pitch
  let [place, time, status] = [0, 0, 0];
  const byte = (): number => {
    if (place >= chunk.length) throw new InputError('a track is damaged; export it again');
    return chunk[place++];
  };
  const number = (): number => {
    let value = 0;
    for (;;) {
      const part = byte();
      value = value * 128 + (part & 0x7f);
      if (part < 0x80) return value;
    }
  };
  while (place < chunk.length) {
    time += number();
    let first = byte();
    if (first === 0xf0 || first === 0xf7 || first === 0xff) {
      const kind = first === 0xff ? byte() : -1;
      const size = number();
      const content = chunk.slice(place, place + size);
      place += size;
      if (kind === END) break;
      if (kind === NAME && !track.name) track.name = new TextDecoder().decode(content).trim();
      track.meta.push({time, kind, content});
      continue;
    }
    if (first >= 0x80) {
      status = first;
      first = byte();
    }
    const [message, channel] = [status & 0xf0, status & 0x0f];
    if (!(message in BYTES)) throw new InputError('a track is damaged; export it again');
    const second = BYTES[message] > 1 ? byte() : 0;
    const slot = channel * 128 + first;
    if (message === 0x90 && second) {
      const note = {start: time, end: -1, midi: first};
      track.notes.set(channel, [...(track.notes.get(channel) ?? []), note]);
      sounding.set(slot, [...(sounding.get(slot) ?? []), note]);
    } else if (message === 0x80 || message === 0x90) {
      const note = sounding.get(slot)?.shift();
      if (note) note.end = time;
    }
  }
  for (const notes of track.notes.values()) {
    for (const note of notes) {
      const later = notes.map((other) => other.start).filter((start) => start > note.start);
      if (note.end < 0) note.end = later.length ? Math.min(...later) : time; // never switched off
    }
  }
  return track;
}

/** Notes on the grid where they are near it. */
function onGrid(played: Played[]): Note[] {
  const onsets = [...new Set(played.map((note) => note.start))].sort((a, b) => a - b);
  const last = new Map<number, Note>();
  const notes: Note[] = [];
  for (const {start, end, midi} of [...played].sort((a, b) => a.start - b.start || b.midi - a.midi)) {
    const near = Math.round(start);
    const note: Note = {start, end: Math.max(end, start + 0.1), midi, struck: true, fermata: false, pause: 0};
    if (Math.abs(start - near) < JITTER) {
      note.start = near;
      note.end = Math.max(near + 1, Math.floor(end + 0.5));
    }
    const following = onsets.find((onset) => onset > start);
    if (following !== undefined && end > following && end - following < 0.98) { // legato
      note.end = Math.max(note.start + 1, Math.round(following));
    }
    const before = last.get(midi);
    if (before && before.end > note.start) before.end = Math.max(before.start, note.start);
    last.set(midi, note);
    notes.push(note);
  }
  return notes.filter((n) => n.end > n.start).sort((a, b) => a.start - b.start || b.midi - a.midi);
}

/** Bars from the first tick on; without a time signature they are in common time. */
function barsOf(given: [number, number, number][], end: number): Bar[] {
  const all: [number, number, number][] =
    given.length && given[0][0] <= 0 ? given : [[0, 4, 2], ...given];
  const metres = all.filter((metre, k) => k + 1 === all.length || all[k + 1][0] > metre[0]);
  const bars: Bar[] = [];
  metres.forEach(([begin, count, power], k) => {
    const last = k + 1 === metres.length;
    const until = last ? end : metres[k + 1][0];
    const unit = Math.floor(16 / 2 ** power);
    const full = count * unit;
    if (!full) throw new InputError(`its metre ${count}/${2 ** power} does not count in 16ths`);
    if (k === 0 && !last && until === full) {
      const [, nextCount, nextPower] = metres[1];
      const nextUnit = Math.floor(16 / 2 ** nextPower);
      if (nextCount * nextUnit > full) {
        bars.push({start: begin, length: full, full: nextCount * nextUnit, unit: nextUnit});
        return;
      }
    }
    for (let start = begin; start < until; start += full) {
      bars.push({start, length: last ? full : Math.min(full, until - start), full, unit});
    }
  });
  return bars;
}

/** Tonic and mode if the file tells, and its signature; C major is believed where notes fit. */
function keyOf(meta: Meta[], parts: Part[]): [[number, number] | null, number | null] {
  const sign = meta.find((m) => m.kind === KEY && m.content.length > 1)?.content;
  const signature = sign ? (sign[0] << 24) >> 24 : NaN;
  if (!sign || Math.abs(signature) > 7) return [null, null];
  if (sign[1] === 1) {
    const tonics = Array.from({length: 12}, (_, k) => k);
    return [[tonics.find((t) => modulo(sharps(t, 1) - signature, 12) === 0)!, 1], signature];
  }
  const notes = parts.flatMap((part) => part.notes);
  const outside = notes.filter((note) => [1, 3, 6, 8].includes(note.midi % 12)).length;
  return signature === 0 && outside > 0.03 * notes.length ? [null, null] : [null, signature];
}

// --- writing --------------------------------------------------------------------------------

const TICKS = 120; // in a 16th

/** A piece as a MIDI file of four tracks, and one that says metre, key and tempo. */
export function writeMidi(piece: Piece, tempo: number): Uint8Array {
  const meta = (kind: number, content: number[]) => [0xff, kind, content.length, ...content];
  const text = (name: string) => meta(NAME, [...new TextEncoder().encode(name)]);
  const quarter = Math.round(60e6 / tempo);
  const full = Math.max(piece.barLength[0], 0) || 16;
  const late = Math.max(piece.position[0], 0); // of an upbeat
  const metre = (length: number) => meta(METRE, [length % 4 ? length : length / 4, length % 4 ? 4 : 2, 24, 8]);
  const events: Event[] = [
    [0, meta(TEMPO, [quarter >> 16, (quarter >> 8) & 255, quarter & 255])],
    [0, metre(late ? full - late : full)],
  ];
  if (late) events.push([full - late, metre(full)]);
  if (piece.tonic >= 0) {
    events.push([0, meta(KEY, [sharps(piece.tonic, piece.mode) & 255, piece.mode])]);
  }
  const chunks = [track(events)];
  VOICES.forEach((name, voice) => {
    const played: Event[] = [[0, text(name)], [0, [0xc0 | voice, 19]]];
    for (const [start, end, midi] of notesOf(piece, voice)) {
      if (midi < 0) continue;
      played.push([start, [0x90 | voice, midi, 80]], [end, [0x80 | voice, midi, 0]]);
    }
    chunks.push(track(played));
  });
  const head = [...bytes('MThd'), 0, 0, 0, 6, 0, 1, 0, chunks.length, (TICKS * 4) >> 8, (TICKS * 4) & 255];
  return Uint8Array.from([...head, ...chunks.flat()]);
}

type Event = [number, number[]];

function track(events: Event[]): number[] {
  const off = ([, message]: Event) => Number((message[0] & 0xf0) !== 0x80);
  const sorted = events.map((event, k) => ({event, k}))
    .sort((a, b) => a.event[0] - b.event[0] || off(a.event) - off(b.event) || a.k - b.k);
  const body: number[] = [];
  let time = 0;
  for (const {event: [at, message]} of sorted) {
    body.push(...variable((at - time) * TICKS), ...message);
    time = at;
  }
  body.push(0, 0xff, END, 0);
  const size = body.length;
  return [...bytes('MTrk'), size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255, ...body];
}

function variable(value: number): number[] {
  const result = [value & 0x7f];
  for (let rest = value >> 7; rest; rest >>= 7) result.unshift((rest & 0x7f) | 0x80);
  return result;
}

function bytes(text: string): number[] {
  return [...text].map((c) => c.charCodeAt(0));
}
