// The two servers that the clients drive, and what is asked of every answer.

import assert from 'node:assert/strict';

// What a server of ours is: where, under which key, and the model's name.
const served = (variable, model, key) => {
  const url = process.env[variable];
  assert.ok(url, `${variable} names no server: run \`make test-clients\``);
  return { url, model, key };
};

// Random weights: what it says is nonsense, and the same each time of the same
// prompt with temperature 0.
export const random = served('WEIR_RANDOM', 'tiny', 'sk-clients');

// A script: see servers_test.go, which has these texts too.
export const scripted = served('WEIR_SCRIPTED', 'scripted', 'any');
export const said = 'Hello, "wörld" €!';
export const thought = 'hm, jä';
export const remark = 'I look.';
export const calls = [
  { city: 'Köln "süd"', days: 2 },
  { city: 'Ulm', days: 1 },
];
export const verdict = 'It rains.';

// What a tool takes. Every value of it is short, so that a grammar brings even a
// random model to its end.
export const weather = {
  name: 'weather',
  description: 'The weather of a city.',
  schema: {
    type: 'object',
    properties: {
      city: { type: 'string', enum: ['Köln "süd"', 'Ulm', 'a'] },
      days: { type: 'integer', minimum: 1, maximum: 9 },
    },
    required: ['city', 'days'],
    additionalProperties: false,
  },
};

// fits checks that arguments are what the schema allows.
export function fits(value) {
  assert.deepEqual(Object.keys(value).sort(), ['city', 'days']);
  assert.ok(weather.schema.properties.city.enum.includes(value.city), JSON.stringify(value));
  assert.ok(Number.isInteger(value.days) && value.days >= 1 && value.days <= 9, JSON.stringify(value));
}

// figure gives what a server's /metrics says under a name, labels or no.
async function figure({ url, key }, name, label = '') {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith(name) && line.includes(label));
  assert.equal(lines.length, 1, `/metrics says of ${name} ${label}: ${lines}`);
  return Number(lines[0].slice(lines[0].lastIndexOf(' ')));
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

// until looks until a server has a figure: nothing tells when a connection that a
// client has left is one to the server.
async function until(server, value, name, label) {
  while ((await figure(server, name, label)) !== value) await pause();
}

// atRest waits until nothing that a client asked for is left in a server.
export async function atRest(server) {
  for (const name of ['weir_num_requests_running', 'weir_num_requests_waiting', 'weir_kv_cache_usage_perc']) await until(server, 0, name);
}

// frees checks that what leaves so many streams before their end frees all that
// they held. Where this process is kept waiting, streams may end by themselves
// first: then it is done again, a few times.
export async function frees(server, streams, leave) {
  const reasons = ['abort', 'length', 'stop', 'tool_calls', 'error'].map((reason) => `finished_reason="${reason}"`);
  const ended = () => Promise.all(reasons.map((reason) => figure(server, 'weir_request_success_total', reason)));
  for (let tries = 0; tries < 10; tries++) {
    const before = await ended();
    await leave();
    await atRest(server);
    let more = [0];
    while (more.reduce((sum, n) => sum + n) < streams) {
      await pause();
      more = (await ended()).map((n, i) => n - before[i]);
    }
    if (more[0] === streams) return;
  }
  assert.fail('streams that were left went on to their end');
}

// all takes what an iterator gives.
export async function all(iterator) {
  const values = [];
  for await (const value of iterator) values.push(value);
  return values;
}
