// npm's @anthropic-ai/sdk: messages, their tokens, and models.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';

import { all, atRest, calls, fits, frees, random, remark, said, scripted, thought, verdict, weather } from './servers.mjs';

const clientOf = (server, more) => new Anthropic({ baseURL: server.url, apiKey: server.key, maxRetries: 0, ...more });
const client = clientOf(random);
const actor = clientOf(scripted);

after(() => Promise.all([atRest(random), atRest(scripted)]));

const ask = { model: 'tiny', system: 'Be brief.', messages: [{ role: 'user', content: 'Tell me about rivers.' }], temperature: 0, max_tokens: 24 };
const tools = [{ name: weather.name, description: weather.description, input_schema: weather.schema }];
const rain = { model: 'scripted', messages: [{ role: 'user', content: 'Rain?' }], tools, temperature: 0, max_tokens: 500 };

// same leaves of a message what two of the same prompt share.
const same = ({ content, stop_reason, stop_sequence, role, type, model, usage }) => ({
  content: content.map(({ id, parsed_output, ...block }) => block),
  rest: [stop_reason, stop_sequence, role, type, model],
  tokens: [usage.input_tokens, usage.output_tokens],
});

test('models', async () => {
  const models = await all(client.models.list());
  assert.deepEqual(models.map((m) => [m.id, m.type]), [['tiny', 'model']]);
  assert.ok(!Number.isNaN(Date.parse(models[0].created_at)));
  assert.deepEqual(await client.models.retrieve('tiny'), models[0]);
});

test('a message says the same whole and in pieces', async () => {
  const whole = await client.messages.create(ask);
  assert.match(whole.id, /^msg_/);
  assert.deepEqual([whole.type, whole.role, whole.model, whole.stop_reason], ['message', 'assistant', 'tiny', 'max_tokens']);
  assert.equal(whole.usage.output_tokens, 24);

  const [events, texts, blocks] = [[], [], []];
  const stream = client.messages.stream(ask);
  stream.on('streamEvent', (e) => events.push(e.type)).on('text', (delta) => texts.push(delta)).on('contentBlock', (b) => blocks.push(b));
  const final = await stream.finalMessage();
  assert.deepEqual(same(final), same(whole));
  assert.equal(texts.join(''), whole.content[0].text);
  assert.equal(await stream.finalText(), whole.content[0].text);
  assert.deepEqual(blocks, final.content);
  assert.deepEqual([events[0], ...events.slice(-2)], ['message_start', 'message_delta', 'message_stop']);
  assert.ok(stream.request_id?.startsWith('req_'));

  const raw = await all(await client.messages.create({ ...ask, stream: true }));
  assert.equal(raw.map((e) => e.delta?.text ?? '').join(''), whole.content[0].text);
});

test('tokens are counted as they are spent', async () => {
  for (const [who, { temperature, max_tokens, ...what }] of [[client, ask], [actor, rain]]) {
    const { input_tokens: counted } = await who.messages.countTokens(what);
    const { usage } = await who.messages.create({ ...what, max_tokens: 1 });
    assert.equal(usage.input_tokens, counted);
  }
});

test('stop sequences', async () => {
  const params = { ...rain, tools: [], stop_sequences: ['€'] };
  const whole = await actor.messages.create(params);
  assert.deepEqual([whole.content[0].text, whole.stop_reason, whole.stop_sequence], [said.slice(0, said.indexOf('€')), 'stop_sequence', '€']);
  assert.deepEqual(same(await actor.messages.stream(params).finalMessage()), same(whole));
});

test('a call that must be made', async () => {
  for (const tool_choice of [{ type: 'any', disable_parallel_tool_use: true }, { type: 'tool', name: 'weather', disable_parallel_tool_use: true }]) {
    const params = { ...ask, max_tokens: 200, tools, tool_choice };
    const whole = await client.messages.create(params);
    const [call, ...more] = whole.content.filter((b) => b.type === 'tool_use');
    assert.deepEqual([call.name, more.length, whole.stop_reason], ['weather', 0, 'tool_use']);
    fits(call.input);
    assert.deepEqual(same(await client.messages.stream(params).finalMessage()), same(whole));
  }
});

test('a form that zod knows', async () => {
  const form = z.object({ city: z.enum(['Köln', 'Ulm']), dry: z.boolean() });
  const params = { ...ask, max_tokens: 200, output_config: { format: zodOutputFormat(form) } };
  const whole = await client.messages.parse(params);
  form.parse(whole.parsed_output);
  assert.deepEqual((await client.messages.stream(params).finalMessage()).parsed_output, whole.parsed_output);
});

test('thoughts and calls, and what the tools gave', async () => {
  const params = { ...rain, thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 2000, temperature: undefined };
  const whole = await actor.messages.create(params);
  assert.deepEqual(whole.content.map((b) => b.type), ['thinking', 'text', 'tool_use', 'tool_use']);
  assert.deepEqual([whole.content[0].thinking.trim(), whole.content[1].text], [thought, remark]);
  const called = whole.content.slice(2);
  assert.deepEqual(called.map((b) => b.input), calls);
  assert.equal(new Set(called.map((b) => b.id)).size, 2);
  assert.equal(whole.stop_reason, 'tool_use');

  const [json, thoughts] = [[], []];
  const stream = actor.messages.stream(params).on('inputJson', (part) => json.push(part)).on('thinking', (part) => thoughts.push(part));
  assert.deepEqual(same(await stream.finalMessage()), same(whole));
  assert.equal(json.join(''), called.map((b) => JSON.stringify(b.input)).join(''));
  assert.equal(thoughts.join(''), whole.content[0].thinking);

  const results = called.map((b) => ({ type: 'tool_result', tool_use_id: b.id, content: 'rain' }));
  const messages = [...rain.messages, { role: 'assistant', content: whole.content }, { role: 'user', content: results }];
  const answer = await actor.messages.create({ ...rain, messages });
  assert.deepEqual([answer.content[0].text, answer.stop_reason], [verdict, 'end_turn']);
});

test('tools are run, and the conversation goes on', async () => {
  for (const stream of [false, true]) {
    const asked = [];
    const run = (args) => (asked.push(args), 'rain');
    const tool = betaZodTool({ name: 'weather', description: weather.description, inputSchema: z.object({ city: z.string(), days: z.number() }), run });
    const message = await actor.beta.messages.toolRunner({ ...rain, tools: [tool], stream });
    assert.deepEqual(asked, calls);
    assert.equal(message.content[0].text, verdict);
  }
});

test('who leaves a stream frees what it held', async () => {
  await frees(random, 2, async () => {
    const endless = { ...ask, max_tokens: 1900 };
    for await (const event of await client.messages.create({ ...endless, stream: true })) {
      if (event.type === 'content_block_delta') break;
    }
    const stream = client.messages.stream(endless);
    stream.once('text', () => stream.abort());
    await assert.rejects(stream.done(), Anthropic.APIUserAbortError);
  });
});

test('failures are of the right kind', async () => {
  const fails = (promise, kind, status, type) =>
    assert.rejects(promise, (e) => {
      assert.ok(e instanceof kind, `${e?.constructor?.name}: ${e}`);
      assert.deepEqual([e.status, e.error.error.type], [status, type]);
      assert.ok(e.requestID.startsWith('req_'));
      return true;
    });
  await fails(clientOf(random, { apiKey: 'wrong' }).messages.create(ask), Anthropic.AuthenticationError, 401, 'authentication_error');
  await fails(clientOf(random, { apiKey: 'wrong' }).models.list(), Anthropic.AuthenticationError, 401, 'authentication_error');
  await fails(client.models.retrieve('other'), Anthropic.NotFoundError, 404, 'not_found_error');
  await fails(client.messages.create({ ...ask, model: 'other' }), Anthropic.NotFoundError, 404, 'not_found_error');
  await fails(client.messages.stream({ ...ask, model: 'other' }).finalMessage(), Anthropic.NotFoundError, 404, 'not_found_error');
  await fails(client.messages.create({ ...ask, max_tokens: 0 }), Anthropic.BadRequestError, 400, 'invalid_request_error');
  await fails(client.messages.create({ ...ask, messages: [{ role: 'user', content: 'long '.repeat(3000) }] }), Anthropic.BadRequestError, 400, 'invalid_request_error');
  await fails(client.messages.batches.list(), Anthropic.NotFoundError, 404, 'not_found_error');
});

test('a thread is a conversation that the client keeps', async () => {
  const params = { model: 'scripted', max_tokens: 100, temperature: 0 };
  const thread = actor.beta.messages.thread({ ...params, unsupportedRequestBehavior: 'continue_unthreaded' });
  for (const turns of [1, 2]) {
    const { content } = await thread.send({ role: 'user', content: 'Hi' });
    assert.equal(content[0].text, said);
    assert.equal(thread.messages.length, 2 * turns);
  }
  await assert.rejects(actor.beta.messages.thread(params).send({ role: 'user', content: 'Hi' }), Anthropic.BadRequestError);
});
