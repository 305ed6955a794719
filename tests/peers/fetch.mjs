// What Node's own fetch does to the probe app: it keeps its connections, opens
// as many as it needs, and streams in both directions.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

const base = process.argv[2];
const at = (path) => base + path;

/**
 * Fetches as RFC 9112 section 9.3.1 has clients do it: a server may close an
 * idle connection just when the next request is on its way, and such a request
 * is made again. (The engine that serves one connection at a time does so to
 * whoever keeps several.) `options` makes them anew: a stream can be sent once.
 */
async function get(path, options = () => ({}), tries = 5) {
  try {
    return await fetch(at(path), options());
  } catch (error) {
    if (error.cause?.message !== 'other side closed' || tries === 0) throw error;
    return get(path, options, tries - 1);
  }
}

const json = async (path, options) => (await get(path, options)).json();

/** The port of the connection that a request went over. */
const port = async () => /port <b>(\d+)/.exec(await (await get('/page')).text())[1];

/** A body of pieces that come one by one. */
const streamed = (pieces) => new ReadableStream({
  pull(controller) {
    const piece = pieces.shift();
    if (piece === undefined) controller.close();
    else controller.enqueue(piece);
  },
});

const pieces = () => Array.from({ length: 300 }, (_, n) => new Uint8Array(10_000).fill(n));
const whole = Buffer.concat(pieces());
const hash = createHash('sha256').update(whole).digest('hex');
const upload = () => ({ method: 'POST', body: streamed(pieces()), duplex: 'half' });

// One after the other: one connection. The end of an answer is told a moment
// before its connection is free.
const ports = new Set();
for (let n = 0; n < 20; n++) {
  ports.add(await port());
  await setImmediate();
}
assert.equal(ports.size, 1, 'the connection was not kept');

// Several at once, each with its own answer.
const several = Array.from({ length: 40 }, (_, n) => n);
const answers = await Promise.all(several.map((n) => json(`/inspect?n=${n}`)));
assert.deepEqual(answers.map((answer) => answer.query), several.map((n) => `n=${n}`));

// Streams up, several at once; one that comes back.
for (const answer of await Promise.all([1, 2, 3, 4].map(() => json('/inspect', upload)))) {
  assert.deepEqual([answer.body_sha256, answer.body_len], [hash, whole.length]);
}
for (const path of ['/echo', '/chunked-echo']) {
  const back = Buffer.from(await (await get(path, upload)).arrayBuffer());
  assert.ok(back.equals(whole), `${back.length} bytes came back from ${path}`);
}

// What has no body, and what is given up.
assert.equal((await get('/inspect', () => ({ method: 'HEAD' }))).status, 200);
for (const status of [204, 304, 404, 503]) assert.equal((await get(`/status/${status}`)).status, status);
const leaves = new AbortController();
const given = await get('/stream?n=1000000&size=10000', () => ({ signal: leaves.signal }));
await given.body.getReader().read();
leaves.abort();
assert.equal((await get('/')).status, 200);
