// npm's openai: responses.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';

import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { all, atRest, calls, fits, frees, random, remark, said, scripted, thought, verdict, weather } from './servers.mjs';

const clientOf = (server) => new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0 });
const client = clientOf(random);
const actor = clientOf(scripted);

after(() => Promise.all([atRest(random), atRest(scripted)]));

const ask = { model: 'tiny', instructions: 'Be brief.', input: 'Tell me about rivers.', temperature: 0, max_output_tokens: 24 };
const tools = [{ type: 'function', name: weather.name, description: weather.description, parameters: weather.schema, strict: true }];
const rain = { model: 'scripted', input: 'Rain?', tools, temperature: 0 };

// same leaves of a response what two of the same prompt share.
function same(response) {
  const items = response.output.map(({ id, call_id, parsed_arguments, ...item }) => {
    assert.ok(id);
    return { ...item, content: item.content?.map(({ parsed, ...part }) => part) };
  });
  return { status: response.status, incomplete: response.incomplete_details, text: response.output_text, usage: response.usage, items };
}

test('a response says the same whole and in pieces', async () => {
  const whole = await client.responses.create(ask);
  assert.equal(whole.object, 'response');
  assert.match(whole.id, /^resp_/);
  assert.equal(whole.usage.total_tokens, whole.usage.input_tokens + whole.usage.output_tokens);
  assert.deepEqual([whole.status, whole.incomplete_details?.reason], ['incomplete', 'max_output_tokens']);
  assert.ok(whole.output_text.length > 0);

  const events = await all(await client.responses.create({ ...ask, stream: true }));
  assert.deepEqual(events.map((e) => e.sequence_number), events.map((_, i) => i));
  assert.deepEqual([events[0].type, events.at(-1).type], ['response.created', 'response.incomplete']);
  assert.equal(events.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta).join(''), whole.output_text);
  const stream = client.responses.stream(ask);
  assert.deepEqual(same(await stream.finalResponse()), same(whole));
});

test('an answer that ends by itself', async () => {
  const params = { model: 'scripted', input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }], temperature: 0 };
  const whole = await actor.responses.create(params);
  assert.deepEqual([whole.status, whole.output_text], ['completed', said]);
  assert.deepEqual(same(await actor.responses.stream(params).finalResponse()), same(whole));
});

test('a form that zod knows', async () => {
  const form = z.object({ city: z.enum(['Köln', 'Ulm']), dry: z.boolean() });
  const params = { ...ask, max_output_tokens: 200, text: { format: zodTextFormat(form, 'weather') } };
  const whole = await client.responses.parse(params);
  form.parse(whole.output_parsed);
  assert.deepEqual((await client.responses.stream(params).finalResponse()).output_parsed, whole.output_parsed);
});

test('a call that must be made', async () => {
  const params = { ...ask, max_output_tokens: 200, tools, tool_choice: 'required', parallel_tool_calls: false };
  const whole = await client.responses.create(params);
  const [call] = whole.output.filter((item) => item.type === 'function_call');
  assert.equal(call.name, 'weather');
  fits(JSON.parse(call.arguments));
  const deltas = [];
  const stream = client.responses.stream(params).on('response.function_call_arguments.delta', (e) => deltas.push(e.delta));
  assert.deepEqual(same(await stream.finalResponse()), same(whole));
  assert.equal(deltas.join(''), call.arguments);
});

test('thoughts and calls, and what the tools gave', async () => {
  const thinking = { ...rain, chat_template_kwargs: { enable_thinking: true } };
  const whole = await actor.responses.create(thinking);
  assert.deepEqual(whole.output.map((item) => item.type), ['reasoning', 'message', 'function_call', 'function_call']);
  assert.equal(whole.output[0].content[0].text.trim(), thought);
  assert.equal(whole.output_text, remark);
  const called = whole.output.slice(2);
  assert.deepEqual(called.map((c) => JSON.parse(c.arguments)), calls);
  assert.equal(new Set(called.map((c) => c.call_id)).size, 2);
  assert.deepEqual(same(await actor.responses.stream(thinking).finalResponse()), same(whole));

  const results = called.map((c) => ({ type: 'function_call_output', call_id: c.call_id, output: 'rain' }));
  const input = [{ role: 'user', content: 'Rain?' }, ...whole.output, ...results];
  assert.equal((await actor.responses.create({ ...rain, input })).output_text, verdict);
});

test('nothing is stored, and failures are of the right kind', async () => {
  const { id } = await actor.responses.create({ model: 'scripted', input: 'Hi' });
  await assert.rejects(actor.responses.retrieve(id), OpenAI.NotFoundError);
  await assert.rejects(client.responses.create({ ...ask, model: 'other', stream: true }), OpenAI.NotFoundError);
  await assert.rejects(client.responses.create({ ...ask, previous_response_id: id }), (e) => {
    assert.ok(e instanceof OpenAI.BadRequestError);
    assert.equal(e.param, 'previous_response_id');
    return true;
  });
  await assert.rejects(client.responses.stream({ ...ask, max_output_tokens: 0 }).finalResponse(), OpenAI.BadRequestError);
});

test('who leaves a stream frees what it held', async () => {
  await frees(random, 1, async () => {
    for await (const event of await client.responses.create({ ...ask, max_output_tokens: 1900, ignore_eos: true, stream: true })) {
      if (event.type === 'response.output_text.delta') break;
    }
  });
});
