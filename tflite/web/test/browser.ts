/** The built page in a real browser. */
import {createReadStream, existsSync, statSync} from 'node:fs';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {extname, join} from 'node:path';
import {chromium} from 'playwright-core';
import type {Browser} from 'playwright-core';
import {WEB} from './runtime';

const TYPES: Record<string, string> = {
  '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml', '.json': 'application/json', '.jpg': 'image/jpeg',
};

/** Where Chromium is; the environment variable CHROMIUM names another one. */
export const chromiumPath = [
  process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome',
].find((path) => path && existsSync(path));

export interface Site {
  url: string;
  /** Bytes sent so far. */
  sent: () => number;
  close: () => void;
}

/** Serves dist/ as any static host does. */
export async function serve(): Promise<Site> {
  let sent = 0;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname);
    const file = join(WEB, 'dist', path.endsWith('/') ? `${path}index.html` : path);
    const found = statSync(file, {throwIfNoEntry: false});
    if (!found?.isFile()) return response.writeHead(404).end();
    sent += found.size;
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, {'content-type': type, 'content-length': found.size});
    return createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    sent: () => sent,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export function launch(): Promise<Browser> {
  return chromium.launch({executablePath: chromiumPath, args: ['--no-sandbox']});
}
