// npm's ollama.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';

import { Ollama } from 'ollama';
import { z } from 'zod';

import { all, atRest, calls, fits, frees, random, remark, said, scripted, thought, verdict, weather } from './servers.mjs';

const clientOf = (server, key = server.key) => new Ollama({ host: server.url, headers: { Authorization: `Bearer ${key}` } });
const client = clientOf(random);
const actor = clientOf(scripted);

after(() => Promise.all([atRest(random), atRest(scripted)]));

const ask = { model: 'tiny', messages: [{ role: 'user', content: 'Tell me about rivers.' }], options: { temperature: 0, num_predict: 24 } };
const tools = [{ type: 'function', function: { name: weather.name, description: weather.description, parameters: weather.schema } }];
const rain = { model: 'scripted', messages: [{ role: 'user', content: 'Rain?' }], tools, options: { temperature: 0 } };

// ends checks the last part of a stream against a whole answer.
function ends(parts, whole) {
  assert.ok(parts.slice(0, -1).every((p) => !p.done));
  const last = parts.at(-1);
  for (const name of ['model', 'done', 'done_reason', 'prompt_eval_count', 'eval_count']) assert.equal(last[name], whole[name], name);
  assert.ok(last.total_duration >= last.eval_duration && last.eval_duration > 0);
}

test('what there is', async () => {
  const { models } = await client.list();
  assert.deepEqual(models.map((m) => m.model), ['tiny:latest']);
  assert.ok(models[0].size > 0 && models[0].digest.length > 0 && !Number.isNaN(Date.parse(models[0].modified_at)));
  const { models: running } = await client.ps();
  assert.deepEqual(running.map((m) => m.name), ['tiny:latest']);
  assert.ok(Date.parse(running[0].expires_at) > Date.now());
  const shown = await client.show({ model: 'tiny' });
  assert.ok(shown.capabilities.includes('completion'));
  assert.equal(shown.model_info['general.architecture'], shown.details.family);
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+/);
  assert.equal((await client.pull({ model: 'tiny' })).status, 'success');
});

test('a chat says the same whole and in pieces', async () => {
  const whole = await client.chat(ask);
  assert.deepEqual([whole.message.role, whole.done, whole.done_reason, whole.eval_count], ['assistant', true, 'length', 24]);
  assert.ok(whole.message.content.length > 0 && whole.prompt_eval_count > 0);
  const parts = await all(await client.chat({ ...ask, stream: true }));
  assert.equal(parts.map((p) => p.message.content).join(''), whole.message.content);
  ends(parts, whole);
});

test('generating does too', async () => {
  for (const raw of [false, true]) {
    const params = { model: 'tiny:latest', prompt: 'Once upon a time', raw, options: ask.options };
    const whole = await client.generate(params);
    assert.ok(whole.response.length > 0);
    const parts = await all(await client.generate({ ...params, stream: true }));
    assert.equal(parts.map((p) => p.response).join(''), whole.response);
    ends(parts, whole);
  }
});

test('an answer that ends by itself, or is stopped', async () => {
  const params = { model: 'scripted', messages: rain.messages, options: { temperature: 0 } };
  const whole = await actor.chat(params);
  assert.deepEqual([whole.message.content, whole.done_reason], [said, 'stop']);
  const stopped = await actor.chat({ ...params, options: { temperature: 0, stop: ['€'] } });
  assert.equal(stopped.message.content, said.slice(0, said.indexOf('€')));
});

test('an answer of a form', async () => {
  const options = { temperature: 0, num_predict: 200 };
  const form = z.object({ city: z.enum(['Köln', 'Ulm']), dry: z.boolean() });
  for (const [format, check] of [[weather.schema, fits], [z.toJSONSchema(form), form.parse]]) {
    const whole = await client.chat({ ...ask, options, format });
    check(JSON.parse(whole.message.content));
    const parts = await all(await client.chat({ ...ask, options, format, stream: true }));
    assert.equal(parts.map((p) => p.message.content).join(''), whole.message.content);
    const { response } = await client.generate({ model: 'tiny', prompt: 'x', options, format });
    check(JSON.parse(response));
  }
});

test('thoughts and calls, and what the tools gave', async () => {
  const whole = await actor.chat({ ...rain, think: true });
  const { message } = whole;
  assert.deepEqual([message.thinking.trim(), message.content], [thought, remark]);
  assert.deepEqual(message.tool_calls.map((c) => [c.function.name, c.function.arguments]), calls.map((c) => ['weather', c]));
  const parts = await all(await actor.chat({ ...rain, think: true, stream: true }));
  assert.equal(parts.map((p) => p.message.thinking ?? '').join(''), message.thinking);
  assert.equal(parts.map((p) => p.message.content).join(''), message.content);
  const called = parts.flatMap((p) => p.message.tool_calls ?? []);
  assert.deepEqual(called.map((c) => c.function), message.tool_calls.map((c) => c.function));
  ends(parts, whole);

  const results = message.tool_calls.map((c) => ({ role: 'tool', tool_name: c.function.name, content: 'rain' }));
  const answer = await actor.chat({ ...rain, messages: [...rain.messages, message, ...results] });
  assert.deepEqual([answer.message.content, answer.message.tool_calls], [verdict, undefined]);
});

test('embeddings', async () => {
  const { embeddings, prompt_eval_count } = await client.embed({ model: 'tiny', input: ['one', 'two words', 'one'] });
  const close = (a, b) => a.every((x, i) => Math.abs(x - b[i]) < 1e-5);
  assert.ok(close(embeddings[0], embeddings[2]) && !close(embeddings[0], embeddings[1]));
  assert.ok(prompt_eval_count > 0);
  const { embedding } = await client.embeddings({ model: 'tiny', prompt: 'one' });
  assert.equal(embedding.length, embeddings[0].length);
});

test('who leaves a stream frees what it held', async () => {
  const endless = { ...ask, options: { temperature: 0, num_predict: 1900 }, stream: true };
  for (const leave of [(stream) => stream.abort(), () => client.abort()]) {
    await frees(random, 1, async () => {
      const stream = await client.chat(endless);
      const read = async () => {
        for await (const part of stream) if (part.message.content) leave(stream);
      };
      await assert.rejects(read, { name: 'AbortError' });
    });
  }
});

test('failures say what they are', async () => {
  const fails = (promise, status, words) =>
    assert.rejects(promise, (e) => {
      assert.equal(e.status_code, status, `${e}`);
      assert.match(e.error, words);
      return true;
    });
  await fails(clientOf(random, 'wrong').list(), 401, /key/);
  await fails(client.chat({ ...ask, model: 'other' }), 404, /other/);
  await fails(client.show({ model: 'other' }), 404, /other/);
  await fails(client.chat({ ...ask, options: { temperature: -1 } }), 400, /temperature/);
  await fails(client.chat({ ...ask, model: 'other', stream: true }), 404, /other/);
  await fails(client.delete({ model: 'tiny' }), 400, /not supported/);
});
